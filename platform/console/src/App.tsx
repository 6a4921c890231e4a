import { App as AntApp, ConfigProvider } from 'antd';
import enUS from 'antd/es/locale/en_US';
import zhCN from 'antd/es/locale/zh_CN';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { ApiError, get, post, setCsrf } from './api/client.ts';
import type { Me } from './api/types.ts';
import { useI18n } from './i18n/i18n.tsx';
import * as comeback from './live/comeback.ts';
import { Live } from './live/live.ts';
import { isDesk, SessionContext } from './session.tsx';
import { Shell } from './shell/Shell.tsx';
import { SignIn } from './shell/SignIn.tsx';
import { Starting } from './shell/Starting.tsx';
import { theme } from './theme.ts';

const RETRY_MS = 2_000;

type Stage = { at: 'starting'; failed: boolean } | { at: 'signed_out' } | { at: 'signed_in'; me: Me };

export function App() {
  const { language } = useI18n();
  const [stage, setStage] = useWhoAmI();
  const signedOut = useCallback(() => setStage({ at: 'signed_out' }), [setStage]);

  return (
    <ConfigProvider
      theme={theme}
      locale={language === 'zh-CN' ? zhCN : enUS}
      button={{ autoInsertSpace: false }}
    >
      <AntApp message={{ maxCount: 3, duration: 4, top: 2 }}>
        {stage.at === 'starting' && <Starting failed={stage.failed} />}
        {stage.at === 'signed_out' && <SignIn />}
        {stage.at === 'signed_in' && <SignedIn me={stage.me} onSignedOut={signedOut} />}
      </AntApp>
    </ConfigProvider>
  );
}

function SignedIn({ me, onSignedOut }: { me: Me; onSignedOut: () => void }) {
  const reader = isDesk(me.role) ? 'desk' : 'helper';
  const live = useMemo(() => new Live(reader, onSignedOut), [reader, onSignedOut]);

  useEffect(() => {
    live.start();
    return () => live.stop();
  }, [live]);

  useEffect(() => {
    const wanted = comeback.take(Date.now());
    if (wanted && location.hash.length <= 2) location.hash = wanted;
  }, []);

  const signOut = useCallback(() => {
    post('/api/sign-out').then(onSignedOut, onSignedOut);
  }, [onSignedOut]);
  const session = useMemo(() => ({ me, live, signOut }), [me, live, signOut]);

  return (
    <SessionContext value={session}>
      <Shell />
    </SessionContext>
  );
}

/** Asks who is signed in; keeps asking while the platform does not answer. */
function useWhoAmI(): [Stage, (stage: Stage) => void] {
  const { setLanguage } = useI18n();
  const [stage, setStage] = useState<Stage>({ at: 'starting', failed: false });

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wanted = true;
    const ask = async () => {
      try {
        const me = await get<Me>('/api/me');
        if (!wanted) return;
        setCsrf(me.csrf);
        setLanguage(me.person.language);
        setStage({ at: 'signed_in', me });
      } catch (error) {
        if (!wanted) return;
        if (error instanceof ApiError && error.status === 401) return setStage({ at: 'signed_out' });
        setStage({ at: 'starting', failed: true });
        timer = setTimeout(ask, RETRY_MS);
      }
    };
    void ask();
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [setLanguage]);

  return [stage, setStage];
}
