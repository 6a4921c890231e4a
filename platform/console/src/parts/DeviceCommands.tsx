import { App, Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { post } from '../api/client.ts';
import type { Command } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { useRefusal } from '../live/useActions.ts';
import { useFetched } from '../useFetched.ts';

/** While something is under way it is asked after often. */
const EVERY_MS = 1_500;
const SHOWN = 5;
const SIREN_SECONDS = 30;
const LONGEST_TEXT = 200;
/** What is typed says in which language it is to be spoken; the desk's own need not be the elder's. */
const CHINESE = /\p{Script=Han}/u;
const UNDER_WAY: readonly string[] = ['queued', 'sent', 'delivered'];

interface Props {
  device: string;
  /** The alert in which it is told: then the timeline says so. */
  alertId?: number | undefined;
}

/** What a device can be told, and what has become of what it was told. */
export function DeviceCommands({ device, alertId }: Props) {
  const { t, said } = useI18n();
  const { message, modal } = App.useApp();
  const refuse = useRefusal();
  const [text, setText] = useState('');
  const [busy, setBusy] = useState<string | null>(null);
  const path = `/api/devices/${encodeURIComponent(device)}/commands`;
  const { value, reload } = useFetched<{ commands: Command[] }>(path, EVERY_MS);
  const commands = value?.commands.slice(0, SHOWN) ?? [];

  const tell = async (name: string, what: string, params: object): Promise<boolean> => {
    setBusy(name);
    try {
      await post(path, { do: what, params, ...(alertId === undefined ? {} : { alert_id: alertId }) });
      message.success(t('command.given', { what: said(`do.${what}`), device }));
      reload();
      return true;
    } catch (error) {
      refuse(error);
      return false;
    } finally {
      setBusy(null);
    }
  };

  /** A siren in the home of somebody who is old is not let off by a slip of the hand. */
  const sound = (params: object) =>
    modal.confirm({
      title: t('command.siren.sure', { device, seconds: SIREN_SECONDS }),
      okText: t('command.siren', { seconds: SIREN_SECONDS }),
      cancelText: t('cancel'),
      onOk: async () => {
        await tell('siren', 'siren', params);
      },
    });

  const speak = async (event: FormEvent) => {
    event.preventDefault();
    const words = { text: text.trim(), language: CHINESE.test(text) ? 'zh-CN' : 'en' };
    if (words.text !== '' && (await tell('voice', 'voice', words))) setText('');
  };

  const choices = [
    ['siren', 'siren', { seconds: SIREN_SECONDS }, t('command.siren', { seconds: SIREN_SECONDS })],
    ['blink', 'light', { mode: 'blink' }, t('command.blink')],
    ['dark', 'light', { mode: 'off' }, t('command.dark')],
    ['test', 'test', {}, t('command.test')],
  ] as const;

  return (
    <div className="commands" data-testid={`commands-${device}`}>
      <div className="commands-do">
        {choices.map(([name, what, params, label]) => (
          <Button
            key={name}
            size="small"
            danger={name === 'siren'}
            loading={busy === name}
            disabled={busy !== null}
            onClick={() => (name === 'siren' ? sound(params) : tell(name, what, params))}
            data-testid={`tell-${name}`}
          >
            {label}
          </Button>
        ))}
      </div>
      <form onSubmit={speak}>
        <Input
          size="small"
          value={text}
          maxLength={LONGEST_TEXT}
          aria-label={t('command.voice.label')}
          placeholder={t('command.voice.label')}
          onChange={(event) => setText(event.target.value)}
          data-testid="voice-text"
        />
        <Button size="small" htmlType="submit" disabled={busy !== null} data-testid="tell-voice">
          {t('command.voice')}
        </Button>
      </form>
      <ol aria-live="polite">
        {commands.map((command) => (
          <State key={command.id} command={command} />
        ))}
      </ol>
    </div>
  );
}

function State({ command }: { command: Command }) {
  const { t, said, word, time } = useI18n();
  const { answer, text } = command.params;
  const what = typeof answer === 'string' ? word('answer', answer) : said(`do.${command.do}`);
  const words = typeof text === 'string' ? text : command.params.name;
  return (
    <li
      className={UNDER_WAY.includes(command.state) ? 'is-under-way' : `is-${command.state}`}
      data-testid={`command-${command.state}`}
    >
      <time dateTime={command.created_at}>{time(command.created_at, true)}</time>
      <span>
        {what}
        {typeof words === 'string' && <q>{words}</q>}
      </span>
      <b>
        {t(`command.state.${command.state}`)}
        {command.error && `: ${command.error}`}
      </b>
    </li>
  );
}
