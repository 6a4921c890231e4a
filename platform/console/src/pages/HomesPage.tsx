import { Button, Input } from 'antd';
import { useState } from 'react';
import type { HomeDetail, HomeRow, Reading } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { Card } from '../parts/Card.tsx';
import { Quiet } from '../parts/Quiet.tsx';
import { go, hrefOf } from '../router.ts';
import { useFetched } from '../useFetched.ts';
import { useSettled } from '../useSettled.ts';

const LIMIT = 50;

/** Find a home, see its card. */
export default function HomesPage({ open }: { open: string | null }) {
  const { t } = useI18n();
  const [typed, setTyped] = useState('');
  const query = useSettled(typed.trim());
  const { value } = useFetched<{ homes: HomeRow[] }>(
    `/api/homes?q=${encodeURIComponent(query)}&limit=${LIMIT}`,
  );
  const homes = value?.homes;

  return (
    <div className={open === null ? 'split' : 'split split-open'}>
      <div className="split-main">
        <div className="page-head">
          <h1>{t('homes.title')}</h1>
          <Input
            className="search"
            type="search"
            allowClear
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            placeholder={t('homes.search')}
            aria-label={t('homes.search')}
            data-testid="home-search"
          />
        </div>
        {!homes && <Quiet>{t('loading')}</Quiet>}
        {homes?.length === 0 && <Quiet>{t('homes.empty')}</Quiet>}
        {homes && homes.length > 0 && <List homes={homes} open={open} />}
        {homes && homes.length >= LIMIT && <p className="hint">{t('homes.limit', { count: LIMIT })}</p>}
      </div>
      {open !== null && <Detail key={open} code={open} />}
    </div>
  );
}

function List({ homes, open }: { homes: HomeRow[]; open: string | null }) {
  const { t } = useI18n();
  return (
    <table className="queue">
      <caption className="for-readers">{t('homes.title')}</caption>
      <thead>
        <tr>
          <th scope="col">{t('homes.home')}</th>
          <th scope="col">{t('homes.elders')}</th>
          <th scope="col">{t('homes.address')}</th>
          <th scope="col" className="col-district">
            {t('queue.district')}
          </th>
          <th scope="col">{t('homes.alerts')}</th>
          <th scope="col">{t('homes.seen')}</th>
        </tr>
      </thead>
      <tbody>
        {homes.map((home) => (
          <Row key={home.code} home={home} isOpen={home.code === open} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ home, isOpen }: { home: HomeRow; isOpen: boolean }) {
  const { t, district, time } = useI18n();
  return (
    // The link in the row is the control for keys and screen readers; a click anywhere is a convenience.
    <tr
      className={isOpen ? 'is-open' : ''}
      onClick={() => go('homes', home.code)}
      data-testid={`home-row-${home.code}`}
    >
      <td>
        <a className="code" href={hrefOf('homes', home.code)}>
          {home.code}
        </a>
      </td>
      <td className="strong">{home.elders.join(t('list')) || t('none')}</td>
      <td>{home.address}</td>
      <td className="col-district">{district(home.district) ?? t('none')}</td>
      <td className={home.live_alerts > 0 ? 'number strong' : 'number muted'}>{home.live_alerts}</td>
      <td className="number">{home.last_seen_at ? time(home.last_seen_at) : t('card.neverSeen')}</td>
    </tr>
  );
}

function Detail({ code }: { code: string }) {
  const { t } = useI18n();
  const { value, error, reload } = useFetched<HomeDetail>(`/api/homes/${encodeURIComponent(code)}`);
  return (
    <section className="panel" aria-label={code} data-testid="home-panel">
      <Button className="panel-close" type="text" onClick={() => go('homes')} aria-label={t('close')}>
        ✕
      </Button>
      <div className="panel-head">
        <h2 className="code">{code}</h2>
      </div>
      {!value && <Quiet>{t(error ? 'homes.missing' : 'loading')}</Quiet>}
      {value && <Card card={value} onChanged={reload} />}
      {value && <Recent home={value} />}
    </section>
  );
}

function Recent({ home }: { home: HomeDetail }) {
  const { t, word, time } = useI18n();
  return (
    <section>
      <h3>{t('homes.recent')}</h3>
      {home.recent.length === 0 && <p className="quiet-hint">{t('homes.noRecent')}</p>}
      <ul className="devices">
        {home.recent.map((reading) => (
          <li key={`${reading.at} ${reading.device} ${reading.quantity}`}>
            <span>
              <b>{word('quantity', reading.quantity)}</b> <Value reading={reading} />{' '}
              <span className="code">{reading.device}</span>
            </span>
            <time dateTime={reading.at}>{time(reading.at, true)}</time>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Value({ reading: { quantity, value } }: { reading: Reading }) {
  const { own } = useI18n();
  const unit = own(`unit.${quantity}`);
  return <>{own(`value.${quantity}.${value}`) ?? (unit ? `${value} ${unit}` : value)}</>;
}
