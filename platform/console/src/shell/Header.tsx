import { Button } from 'antd';
import { post } from '../api/client.ts';
import type { Language } from '../api/types.ts';
import type { Key } from '../i18n/en.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { hrefOf } from '../router.ts';
import { isDesk, useLink, useSession } from '../session.tsx';
import { Brand } from './Brand.tsx';
import { Shift } from './Shift.tsx';

export function Header({ pages, current }: { pages: string[]; current: string }) {
  const { t, word } = useI18n();
  const { me, signOut } = useSession();

  return (
    <header className="header">
      <Brand />
      {pages.length > 1 && (
        <nav className="nav" aria-label={t('nav.label')}>
          {pages.map((page) => (
            <a key={page} href={hrefOf(page)} aria-current={page === current ? 'page' : undefined}>
              {t(`nav.${page}` as Key)}
            </a>
          ))}
        </nav>
      )}
      <div className="header-end">
        <StreamState />
        {isDesk(me.role) && <Shift />}
        <span className="who">
          <b>{me.person.name}</b>
          <span>{word('role', me.role)}</span>
        </span>
        <LanguageSwitch />
        <Button className="on-night" size="small" onClick={signOut} data-testid="sign-out">
          {t('header.signOut')}
        </Button>
      </div>
    </header>
  );
}

function StreamState() {
  const { t } = useI18n();
  const link = useLink();
  return (
    <span className={`link link-${link}`} data-testid="stream-state" data-state={link} role="status">
      <i aria-hidden="true" />
      {t(`link.${link}`)}
    </span>
  );
}

function LanguageSwitch() {
  const { t, language, setLanguage } = useI18n();
  const other: Language = language === 'zh-CN' ? 'en' : 'zh-CN';
  const change = () => {
    setLanguage(other);
    // The page has switched already; that the platform remembers it too is a courtesy.
    post('/api/me/language', { language: other }).catch(() => undefined);
  };
  return (
    <Button
      className="on-night"
      size="small"
      onClick={change}
      aria-label={t('header.language.label')}
      lang={other}
      data-testid="language"
    >
      {t('header.language')}
    </Button>
  );
}
