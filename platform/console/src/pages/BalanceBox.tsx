import type { Balance, Transfer } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { Quiet } from '../parts/Quiet.tsx';
import { useFetched } from '../useFetched.ts';

const EVERY_MS = 10_000;

/** One's mutual-aid time and where it came from. */
export function BalanceBox() {
  const { t, minutes } = useI18n();
  const { value, error } = useFetched<Balance>('/api/timebank/me', EVERY_MS);
  // Somebody without an account has no box rather than an empty one.
  if (!value) return error ? null : <Quiet>{t('loading')}</Quiet>;
  return (
    <section className="block" aria-labelledby="my-time">
      <h2 id="my-time">{t('me.balance')}</h2>
      <div className="balance">
        <p className="balance-total" data-testid="balance" data-minutes={value.minutes}>
          {value.minutes < 0 && '−'}
          {minutes(value.minutes)}
        </p>
        {value.held > 0 && <p>{t('me.balance.held', { time: minutes(value.held) })}</p>}
        {(value.honour_minutes ?? 0) > 0 && (
          <p>{t('me.balance.honour', { time: minutes(value.honour_minutes ?? 0) })}</p>
        )}
      </div>
      <h3>{t('me.transfers')}</h3>
      {value.transfers.length === 0 && <p className="quiet-hint">{t('me.transfers.empty')}</p>}
      {value.transfers.length > 0 && (
        <ul className="past" data-testid="transfers">
          {value.transfers.map((transfer) => (
            <Line key={transfer.id} transfer={transfer} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Line({ transfer }: { transfer: Transfer }) {
  const { word, minutes, time } = useI18n();
  const kind = word('transfer', transfer.kind);
  return (
    <li>
      <span>
        <b>{kind}</b> {transfer.reason !== kind && transfer.reason}
        <span className="past-when">{time(transfer.at)}</span>
      </span>
      <span className="number strong">
        {transfer.minutes < 0 ? '−' : '+'}
        {minutes(transfer.minutes)}
      </span>
    </li>
  );
}
