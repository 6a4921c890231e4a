import { App, Button } from 'antd';
import { useState } from 'react';
import { type ApiError, post } from '../api/client.ts';
import type { UnansweredPerson } from '../api/types.ts';
import type { Key } from '../i18n/en.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { Quiet } from '../parts/Quiet.tsx';
import { hrefOf } from '../router.ts';
import { useFetched } from '../useFetched.ts';

const EVERY_MS = 60_000;
const LIMIT = 200;
const COLUMNS: Key[] = [
  'reach.person',
  'reach.part',
  'coverage.district',
  'reach.channel',
  'reach.times',
  'reach.since',
];

/** Who did not answer their last test and has not been heard since. */
export function Unanswered() {
  const { t } = useI18n();
  const { value } = useFetched<{ people: UnansweredPerson[]; total: number }>(
    `/api/reachability?limit=${LIMIT}`,
    EVERY_MS,
  );
  if (!value) return <Quiet>{t('loading')}</Quiet>;
  if (value.people.length === 0) return <Quiet hint={t('reach.hint')}>{t('reach.empty')}</Quiet>;
  return (
    <>
      <p className="quiet-hint">{t('reach.hint')}</p>
      <div className="wide">
        <table className="queue">
          <caption className="for-readers">{t('coverage.tests')}</caption>
          <thead>
            <tr>
              {COLUMNS.map((column) => (
                <th key={column} scope="col">
                  {t(column)}
                </th>
              ))}
              <th scope="col">
                <span className="for-readers">{t('reach.ask')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {value.people.map((person) => (
              <Row key={`${person.code} ${person.district?.code} ${person.channel}`} person={person} />
            ))}
          </tbody>
        </table>
      </div>
      {value.total > value.people.length && (
        <p className="hint">{t('coverage.more', { count: value.total - value.people.length })}</p>
      )}
    </>
  );
}

function Row({ person }: { person: UnansweredPerson }) {
  const { t, time, word, district } = useI18n();
  return (
    <tr data-testid={`unanswered-${person.code}`}>
      <td className="col-why">
        <b>{person.name}</b>
        {person.phone && (
          <span>
            <a href={`tel:${person.phone}`}>{person.phone}</a>
          </span>
        )}
      </td>
      <td className="col-why">
        {person.parts.map((part) => word('role', part)).join(t('list'))}
        <span>
          {person.homes.map((home) => (
            <a key={home} className="code" href={hrefOf('homes', home)}>
              {home}{' '}
            </a>
          ))}
        </span>
      </td>
      <td>{district(person.district) ?? t('coverage.city')}</td>
      <td className="col-why">
        {word('channel', person.channel)}
        {person.is_dead && <span className="strong">✕ {t('reach.dead')}</span>}
      </td>
      <td className={person.times > 1 ? 'number strong' : 'number'}>{person.times}</td>
      <td className="number">{time(person.since)}</td>
      <td className="col-action">
        <Ask person={person} />
      </td>
    </tr>
  );
}

function Ask({ person }: { person: UnansweredPerson }) {
  const { t, language } = useI18n();
  const { message } = App.useApp();
  const [isBusy, setBusy] = useState(false);
  const ask = () => {
    setBusy(true);
    post(`/api/people/${encodeURIComponent(person.code)}/reach-test`)
      .then(() => message.success(t('reach.asked', { name: person.name })))
      .catch((error: ApiError) => message.error(error.said(language)))
      .finally(() => setBusy(false));
  };
  return (
    <Button size="small" loading={isBusy} onClick={ask} data-testid="ask-now">
      {t('reach.ask')}
    </Button>
  );
}
