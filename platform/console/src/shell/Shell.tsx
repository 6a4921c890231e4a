import { lazy, Suspense, useEffect } from 'react';
import { useI18n } from '../i18n/i18n.tsx';
import { setTitle } from '../live/title.ts';
import { useAlarm } from '../live/useAlarm.ts';
import { MyPage } from '../pages/MyPage.tsx';
import { QueuePage } from '../pages/QueuePage.tsx';
import { useRoute } from '../router.ts';
import { isDesk, useLiveState, useSession } from '../session.tsx';
import { Banner } from './Banner.tsx';
import { Header } from './Header.tsx';
import { pagesOf } from './pages.ts';
import { Shortcuts } from './Shortcuts.tsx';

const CoveragePage = lazy(() => import('../pages/CoveragePage.tsx'));
const DevicesPage = lazy(() => import('../pages/DevicesPage.tsx'));
const HistoryPage = lazy(() => import('../pages/HistoryPage.tsx'));
const BindPage = lazy(() => import('../pages/BindPage.tsx'));
const HomesPage = lazy(() => import('../pages/HomesPage.tsx'));
const QuarantinePage = lazy(() => import('../pages/QuarantinePage.tsx'));
const VisitsPage = lazy(() => import('../pages/VisitsPage.tsx'));

/** Everything that somebody who is signed in sees: header, banner, one page. */
export function Shell() {
  const { t } = useI18n();
  const { me } = useSession();
  const route = useRoute();
  const pages = pagesOf(me);
  const isLabel = route.page === 'bind' && route.open !== null && isDesk(me.role);
  const page = isLabel || pages.includes(route.page) ? route.page : (pages[0] ?? 'me');
  const news = useAlarm();
  useTabTitle();

  return (
    <div className={isDesk(me.role) ? 'shell shell-desk' : 'shell'}>
      <button type="button" className="skip" onClick={focusContent}>
        {t('skip')}
      </button>
      <Header pages={pages} current={page} />
      <Banner />
      <main id="content" className="content" tabIndex={-1}>
        <Suspense fallback={<p className="quiet">{t('loading')}</p>}>
          <Page page={page} open={route.open} />
        </Suspense>
      </main>
      <p className="for-readers" aria-live="assertive">
        {news}
      </p>
      {isDesk(me.role) && <Shortcuts />}
    </div>
  );
}

function Page({ page, open }: { page: string; open: string | null }) {
  if (page === 'queue') return <QueuePage open={open} />;
  if (page === 'history') return <HistoryPage open={open} />;
  if (page === 'homes') return <HomesPage open={open} />;
  if (page === 'devices') return <DevicesPage open={open} />;
  if (page === 'coverage') return <CoveragePage open={open} />;
  if (page === 'quarantine') return <QuarantinePage />;
  if (page === 'bind' && open !== null) return <BindPage key={open} device={open} />;
  if (page === 'visits') return <VisitsPage />;
  return <MyPage />;
}

/** A button, since a link would change the hash, and the hash is the page. */
function focusContent(): void {
  document.getElementById('content')?.focus();
}

function useTabTitle(): void {
  const { t } = useI18n();
  const { alerts } = useLiveState();
  const count = [...alerts.values()].filter((alert) => !alert.canary).length;
  useEffect(() => setTitle(`${count > 0 ? `(${count}) ` : ''}${t('brand')}`), [count, t]);
}
