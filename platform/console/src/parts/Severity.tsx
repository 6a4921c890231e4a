import type { Alert, Severity as SeverityName } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';

/** The only coloured thing on the page, and always with its word. */
export function Severity({ severity }: { severity: SeverityName }) {
  const { t } = useI18n();
  return <span className={`severity severity-${severity}`}>{t(`severity.${severity}`)}</span>;
}

export function Canary({ alert }: { alert: Alert }) {
  const { t } = useI18n();
  if (!alert.canary) return null;
  return (
    <span className="canary" title={t('canary.hint')}>
      {t('canary')}
    </span>
  );
}
