import type { AlertEvent, Offer, OfferWhy } from '../api/types.ts';
import { formatDistance } from '../i18n/format.ts';
import { useI18n } from '../i18n/i18n.tsx';

/** What has happened, newest first. */
export function Timeline({ events }: { events: readonly AlertEvent[] }) {
  const { t } = useI18n();
  const newestFirst = [...events].sort((one, other) => other.id - one.id);
  return (
    <section>
      <h3>{t('panel.timeline')}</h3>
      <ol className="timeline" data-testid="timeline">
        {newestFirst.map((event) => (
          <Entry key={event.id} event={event} />
        ))}
      </ol>
    </section>
  );
}

function Entry({ event }: { event: AlertEvent }) {
  const { t, said, word, time } = useI18n();
  const { actor } = event;
  // Parameters that are words of ours (an outcome, a reason) are said in the reader's language.
  const params = Object.entries(event.params).map(([name, value]) => [
    name,
    typeof value === 'string' ? word(name === 'kind' ? 'alert.kind' : name, value) : value,
  ]);
  const text = said(`event.${event.kind}`, {
    ...Object.fromEntries(params),
    actor: actor ?? t('actor.platform'),
  });
  return (
    <li data-testid={`event-${event.kind}`}>
      <time dateTime={event.at}>{time(event.at, true)}</time>
      <span>
        {text}
        {actor && !text.includes(actor) && <b> · {actor}</b>}
        <FreeText event={event} text={text} />
      </span>
    </li>
  );
}

/** What a person has typed (a note, the note of a resolution) is shown even where the text has no place for it. */
function FreeText({ event, text }: { event: AlertEvent; text: string }) {
  const typed = event.params.note ?? event.params.text;
  if (typeof typed !== 'string' || typed === '' || text.includes(typed)) return null;
  return <q>{typed}</q>;
}

export function Offers({ offers }: { offers: readonly Offer[] }) {
  const { t, word, time } = useI18n();
  const way = (why: OfferWhy) => {
    if (why.travel_s === undefined) return '';
    const minutes = Math.max(1, Math.round(why.travel_s / 60));
    return `${t('offers.way', { minutes, mode: word('mode', why.mode ?? '') })} · ${why.key ? `${t('offers.key')} · ` : ''}`;
  };
  return (
    <section>
      <h3>{t('panel.offers')}</h3>
      {offers.length === 0 && <p className="quiet-hint">{t('panel.noOffers')}</p>}
      <ul className="offers" data-testid="offers">
        {offers.map((offer) => (
          <li key={`${offer.person} ${offer.offered_at}`}>
            <span>
              <b>{offer.person}</b> {offer.role && word('role', offer.role)}
            </span>
            <span>
              {offer.distance_m !== null && `${formatDistance(offer.distance_m)} · `}
              {way(offer.why)}
              {word('offers.state', offer.state)}
              {offer.reason && ` (${word('reason', offer.reason)})`} · {time(offer.offered_at)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
