import { useI18n } from '../i18n/i18n.tsx';

export function Brand() {
  const { t } = useI18n();
  return (
    <span className="brand">
      <svg width="26" height="26" viewBox="0 0 32 32" fill="none" aria-hidden="true">
        <path
          d="M9.5 23.5a5 5 0 0 1-.6-9.9 7 7 0 0 1 13.5-1.7 5.8 5.8 0 0 1 .4 11.6z"
          stroke="currentColor"
          strokeWidth="2"
        />
        <path
          d="M16 21.6l-3.1-2.9a1.9 1.9 0 0 1 2.7-2.7l.4.4.4-.4a1.9 1.9 0 0 1 2.7 2.7z"
          fill="currentColor"
        />
      </svg>
      <b>{t('brand')}</b>
    </span>
  );
}
