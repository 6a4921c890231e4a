/** The tab's title flashes while something new has not been looked at. */

const FLASH_MS = 900;

let timer: ReturnType<typeof setInterval> | undefined;
let usual = '';

export function setTitle(title: string): void {
  usual = title;
  if (timer === undefined) document.title = title;
}

/** Flashes until the page is in front and somebody moves, types or clicks. */
export function flashTitle(news: string): void {
  stopFlashing();
  let on = true;
  document.title = news;
  timer = setInterval(() => {
    on = !on;
    document.title = on ? news : usual;
  }, FLASH_MS);
  for (const sign of ['pointermove', 'keydown', 'pointerdown'] as const) {
    addEventListener(sign, stopFlashing, { once: true });
  }
}

function stopFlashing(): void {
  clearInterval(timer);
  timer = undefined;
  if (usual) document.title = usual;
}
