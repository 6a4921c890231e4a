import type { Alert, AlertState } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';

const STEPS: readonly AlertState[] = ['accepted', 'on_the_way', 'there', 'inside', 'resolved'];

/** The state in a word, and as five dots that fill up. */
export function StateSteps({ alert }: { alert: Alert }) {
  const { t } = useI18n();
  const reached = STEPS.indexOf(alert.state);
  return (
    <span className={`state ${alert.state === 'open' ? 'state-open' : ''}`}>
      <span className="state-word">{t(`state.${alert.state}`)}</span>
      <span className="state-dots" aria-hidden="true">
        {STEPS.map((step, index) => (
          <i key={step} className={index <= reached ? 'on' : ''} />
        ))}
      </span>
    </span>
  );
}
