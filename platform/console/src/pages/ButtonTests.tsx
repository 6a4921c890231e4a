import type { ButtonTest, TestState, TestWeek } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { Quiet } from '../parts/Quiet.tsx';
import { hrefOf } from '../router.ts';
import { useFetched } from '../useFetched.ts';

const EVERY_MS = 60_000;
const WEEKS = 8;
const LIMIT = 500;
/** A shape for each state; its word is there for readers, on hover and in the legend. */
const MARK: Record<TestState, string> = {
  test: '✓',
  real: '●',
  false_alarm: '●',
  open: '●',
  gap: '✕',
  due: '…',
  before: '–',
};

/** The ledger: each button, week by week, most gaps first. */
export function ButtonTests() {
  const { t } = useI18n();
  const { value } = useFetched<{ buttons: ButtonTest[] }>(
    `/api/devices/tests?weeks=${WEEKS}&limit=${LIMIT}`,
    EVERY_MS,
  );
  const buttons = value?.buttons;
  if (!buttons) return <Quiet>{t('loading')}</Quiet>;
  const [first] = buttons;
  if (!first) return <Quiet>{t('tests.empty')}</Quiet>;
  const missing = buttons.filter((button) => button.gaps > 0).length;
  return (
    <>
      <p className="quiet-hint tests-sum" data-testid="tests-sum">
        {t('tests.hint')} <b>{t('tests.sum', { missing, count: buttons.length })}</b>
      </p>
      <div className="wide">
        <table className="queue tests">
          <caption className="for-readers">{t('devices.tests')}</caption>
          <Head weeks={first.weeks} />
          <tbody>
            {buttons.map((button) => (
              <Row key={button.code} button={button} />
            ))}
          </tbody>
        </table>
      </div>
      {buttons.length >= LIMIT && <p className="hint">{t('tests.limit', { count: LIMIT })}</p>}
      <Legend />
    </>
  );
}

function Head({ weeks }: { weeks: TestWeek[] }) {
  const { t, date } = useI18n();
  return (
    <thead>
      <tr>
        <th scope="col">{t('devices.device')}</th>
        <th scope="col">{t('devices.home')}</th>
        <th scope="col">{t('tests.gaps')}</th>
        {weeks.map((week, place) => (
          <th key={week.week} scope="col" className="test">
            {place === 0 ? t('tests.thisWeek') : date(week.week)}
          </th>
        ))}
      </tr>
    </thead>
  );
}

function Row({ button }: { button: ButtonTest }) {
  const { district } = useI18n();
  return (
    <tr data-testid={`tests-${button.code}`}>
      <th scope="row" className="code">
        {button.code}
      </th>
      <td className="col-why">
        <a className="code" href={hrefOf('homes', button.home)}>
          {button.home}
        </a>
        <span>{district(button.district)}</span>
      </td>
      <td className={button.gaps > 0 ? 'number strong' : 'number muted'}>{button.gaps}</td>
      {button.weeks.map((week) => (
        <Week key={week.week} week={week} />
      ))}
    </tr>
  );
}

function Week({ week }: { week: TestWeek }) {
  const { t, time } = useI18n();
  const said = t(`tests.state.${week.state}`) + (week.at ? `, ${time(week.at)}` : '');
  return (
    <td className={`test test-${week.state}`} title={said} data-state={week.state}>
      <i aria-hidden="true">{MARK[week.state]}</i>
      <span className="for-readers">{said}</span>
    </td>
  );
}

function Legend() {
  const { t } = useI18n();
  const shown = ['test', 'open', 'gap', 'due', 'before'] as const;
  return (
    <ul className="legend">
      {shown.map((state) => (
        <li key={state}>
          <i aria-hidden="true" className={`test-${state}`}>
            {MARK[state]}
          </i>{' '}
          {t(state === 'open' ? 'tests.pressed' : `tests.state.${state}`)}
        </li>
      ))}
    </ul>
  );
}
