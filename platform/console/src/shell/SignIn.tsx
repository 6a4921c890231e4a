import { Button } from 'antd';
import { useEffect } from 'react';
import { useI18n } from '../i18n/i18n.tsx';
import { remember } from '../live/comeback.ts';
import { setTitle } from '../live/title.ts';
import { Brand } from './Brand.tsx';

/** Nobody is signed in: say how to. */
export function SignIn() {
  const { t, language, setLanguage } = useI18n();
  const isExpired = new URLSearchParams(location.search).get('signin') === 'expired';
  useEffect(() => setTitle(t('brand')), [t]);
  useEffect(() => remember(location.hash, Date.now()), []);

  return (
    <main className="signin" data-testid="signin">
      <div className="signin-box">
        <Brand />
        <h1>{t('signin.title')}</h1>
        {isExpired && (
          <p className="signin-expired" role="alert">
            {t('signin.expired')}
          </p>
        )}
        <p>{t('signin.body')}</p>
        <Button
          onClick={() => setLanguage(language === 'zh-CN' ? 'en' : 'zh-CN')}
          aria-label={t('header.language.label')}
        >
          {t('header.language')}
        </Button>
      </div>
    </main>
  );
}
