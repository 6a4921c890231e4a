import { useI18n } from '../i18n/i18n.tsx';
import { Brand } from './Brand.tsx';

/** Before the platform has said who we are. */
export function Starting({ failed }: { failed: boolean }) {
  const { t } = useI18n();
  return (
    <main className="signin">
      <div className="signin-box">
        <Brand />
        <h1>{t('loading')}</h1>
        {failed && (
          <p className="signin-expired" role="alert">
            {t('banner.unreachable')}
          </p>
        )}
      </div>
    </main>
  );
}
