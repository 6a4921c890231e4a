import { Input, Segmented } from 'antd';
import { useState } from 'react';
import type { DeviceList, DeviceRow, DeviceState } from '../api/types.ts';
import type { Key } from '../i18n/en.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { Quiet } from '../parts/Quiet.tsx';
import { hrefOf } from '../router.ts';
import { useFetched } from '../useFetched.ts';
import { useSettled } from '../useSettled.ts';
import { ButtonTests } from './ButtonTests.tsx';

const EVERY_MS = 15_000;
const LIMIT = 200;
/** A battery is replaced within two weeks of its first warning; a month ahead is time to plan the round. */
const SOON_DAYS = 30;
const STATES: readonly DeviceState[] = ['silent', 'offline', 'unbound', 'quiet', 'ok'];
/** A shape for each state, beside its word: never colour alone. */
const MARK: Record<DeviceState, string> = { ok: '●', silent: '○', offline: '✕', quiet: '◌', unbound: '?' };

/** Who is alive, how long the batteries last, and whether each button was tested this week. */
export default function DevicesPage({ open }: { open: string | null }) {
  const { t } = useI18n();
  const view = open === 'tests' ? 'tests' : 'list';
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t('devices.title')}</h1>
        <nav className="views" aria-label={t('devices.title')}>
          <a href={hrefOf('devices')} aria-current={view === 'list' ? 'page' : undefined}>
            {t('devices.list')}
          </a>
          <a
            href={hrefOf('devices', 'tests')}
            aria-current={view === 'tests' ? 'page' : undefined}
            data-testid="button-tests"
          >
            {t('devices.tests')}
          </a>
        </nav>
      </div>
      {view === 'tests' ? <ButtonTests /> : <List />}
    </div>
  );
}

function List() {
  const { t } = useI18n();
  const [state, setState] = useState<DeviceState | 'all'>('all');
  const [typed, setTyped] = useState('');
  const query = useSettled(typed.trim());
  const wanted = `${state === 'all' ? '' : `state=${state}&`}q=${encodeURIComponent(query)}&limit=${LIMIT}`;
  const { value } = useFetched<DeviceList>(`/api/devices?${wanted}`, EVERY_MS);
  const devices = value?.devices;
  const name = (one: DeviceState | 'all') => {
    const count = value?.counts[one];
    return count === undefined ? t(`devices.state.${one}`) : `${t(`devices.state.${one}`)} ${count}`;
  };

  return (
    <>
      <div className="page-head">
        <div className="wide">
          <Segmented<DeviceState | 'all'>
            aria-label={t('devices.state')}
            value={state}
            onChange={setState}
            options={(['all', ...STATES] as const).map((one) => ({ value: one, label: name(one) }))}
          />
        </div>
        <Input
          className="search"
          type="search"
          allowClear
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          placeholder={t('devices.search')}
          aria-label={t('devices.search')}
          data-testid="device-search"
        />
      </div>
      {!devices && <Quiet>{t('loading')}</Quiet>}
      {devices?.length === 0 && <Quiet>{t('devices.empty')}</Quiet>}
      {devices && devices.length > 0 && <Table devices={devices} />}
      {devices && devices.length >= LIMIT && <p className="hint">{t('homes.limit', { count: LIMIT })}</p>}
    </>
  );
}

function Table({ devices }: { devices: DeviceRow[] }) {
  const { t } = useI18n();
  const columns: Key[] = [
    'devices.state',
    'devices.device',
    'devices.kind',
    'devices.home',
    'devices.seen',
    'devices.promise',
    'devices.battery',
  ];
  return (
    <table className="queue">
      <caption className="for-readers">{t('devices.title')}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column} scope="col">
              {t(column)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {devices.map((device) => (
          <Row key={device.code} device={device} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ device }: { device: DeviceRow }) {
  const { t, word, time, district, minutes } = useI18n();
  const isOut = device.state === 'silent' || device.state === 'offline';
  const product = [device.vendor, device.model].filter(Boolean).join(' ') || familyOf(device);
  return (
    <tr data-testid={`device-${device.code}`} data-state={device.state}>
      <td className={isOut ? 'device-state strong' : 'device-state'}>
        <i aria-hidden="true">{MARK[device.state]}</i> {t(`devices.state.${device.state}`)}
      </td>
      <td className="col-why">
        <b className="code">{device.code}</b>
        {device.name && <span>{device.name}</span>}
      </td>
      <td className="col-why">
        <b>{word('device', device.kind)}</b>
        {product && <span>{product}</span>}
      </td>
      <td className="col-why">
        {device.home ? (
          <a className="code" href={hrefOf('homes', device.home)}>
            {device.home}
          </a>
        ) : (
          <a href={hrefOf('quarantine')}>{t('devices.bind')}</a>
        )}
        <span>{district(device.district)}</span>
      </td>
      <td className="number">{device.last_seen_at ? time(device.last_seen_at) : t('card.neverSeen')}</td>
      <td className="muted">
        {device.promise === 'events'
          ? t('devices.promise.events')
          : t('devices.promise.regular', { time: minutes(device.report_minutes) })}
      </td>
      <td className="col-why number">
        <Battery device={device} />
      </td>
    </tr>
  );
}

/** Our own protocol is what a device speaks when nobody says otherwise: no word for it. */
function familyOf(device: DeviceRow): string {
  return device.family === 'own' ? '' : device.family;
}

function Battery({ device: { battery, battery_empty_on, mains } }: { device: DeviceRow }) {
  const { t, date, daysUntil } = useI18n();
  if (mains && battery === null) return <span>{t('devices.mains')}</span>;
  const isSoon = battery_empty_on !== null && daysUntil(battery_empty_on) <= SOON_DAYS;
  return (
    <>
      <b>{battery === null ? t('none') : `${Math.round(battery)} %`}</b>
      {battery_empty_on !== null && (
        <span className={isSoon ? 'strong' : undefined}>
          {isSoon && <i aria-hidden="true">▼ </i>}
          {t('devices.emptyOn', { date: date(battery_empty_on) })}
        </span>
      )}
    </>
  );
}
