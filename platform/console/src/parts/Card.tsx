import { Button } from 'antd';
import { useState } from 'react';
import type { Contact, Device, Elder, HomeCard } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { isDesk, useSession } from '../session.tsx';
import { DeviceCommands } from './DeviceCommands.tsx';
import { Unbind } from './Unbind.tsx';

interface Props {
  card: HomeCard;
  /** The alert on whose account it is looked at. */
  alertId?: number;
  /** The home's devices are others now. */
  onChanged?: () => void;
}

/** Everything that somebody at the door must know; the desk can tell the home's devices what to do. */
export function Card({ card, alertId, onChanged }: Props) {
  const { t, district } = useI18n();
  const { home } = card;
  return (
    <section className="card" data-testid="card" aria-label={`${t('card.title')} ${home.code}`}>
      <dl className="card-door">
        <div className="card-where">
          <dt>{t('card.address')}</dt>
          <dd>
            <b>{home.address}</b>
            <span>{[district(home.district), home.code].filter(Boolean).join(' · ')}</span>
          </dd>
        </div>
        <div className="card-key">
          <dt>{t('card.key')}</dt>
          <dd>{home.key_code ? <b className="code">{home.key_code}</b> : <span>{t('card.noKey')}</span>}</dd>
        </div>
      </dl>
      {card.elders.map((elder) => (
        <ElderFacts key={elder.name} elder={elder} />
      ))}
      <Contacts contacts={card.contacts} />
      <Devices devices={card.devices} alertId={alertId} onChanged={onChanged} />
    </section>
  );
}

function ElderFacts({ elder }: { elder: Elder }) {
  const { t } = useI18n();
  const sex = elder.sex === 'female' || elder.sex === 'male' ? t(`card.sex.${elder.sex}`) : elder.sex;
  const age = elder.age === null ? null : t('card.elder', { age: elder.age });
  const facts = [
    [t('card.conditions'), elder.conditions.join(t('list'))],
    [t('card.medicines'), elder.medicines.join(t('list'))],
    [t('card.hearing'), elder.hearing],
    [t('card.languages'), elder.languages.join(t('list'))],
    [t('card.notes'), elder.notes],
  ] as const;
  return (
    <div className="elder">
      <h3>
        {elder.name} <span>{[age, sex].filter(Boolean).join(' · ')}</span>
      </h3>
      <dl className="facts">
        {facts.map(([name, value]) => value && <Fact key={name} name={name} value={value} />)}
      </dl>
    </div>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Contacts({ contacts }: { contacts: Contact[] }) {
  const { t, word } = useI18n();
  const inOrder = [...contacts].sort((one, other) => one.rank - other.rank);
  return (
    <div>
      <h3>{t('card.contacts')}</h3>
      {contacts.length === 0 && <p className="quiet-hint">{t('card.noContacts')}</p>}
      <ol className="contacts">
        {inOrder.map((contact) => (
          <li key={`${contact.rank} ${contact.name}`}>
            <span className="contact-rank">{contact.rank}</span>
            <span>
              <b>{contact.name}</b> {word('relation', contact.relation)}
            </span>
            {contact.phone ? (
              <a
                className="phone"
                href={`tel:${contact.phone.replace(/[^+\d]/g, '')}`}
                aria-label={`${t('card.call', { name: contact.name })} ${contact.phone}`}
              >
                {contact.phone}
              </a>
            ) : (
              <span>{t('none')}</span>
            )}
          </li>
        ))}
      </ol>
    </div>
  );
}

const LOW_BATTERY_PERCENT = 15;

interface DevicesProps {
  devices: Device[];
  alertId: number | undefined;
  onChanged: (() => void) | undefined;
}

function Devices({ devices, alertId, onChanged }: DevicesProps) {
  const { t } = useI18n();
  const { me } = useSession();
  const [open, setOpen] = useState<string | null>(null);
  const desk = isDesk(me.role);
  return (
    <div>
      <h3>{t('card.devices')}</h3>
      {devices.length === 0 && <p className="quiet-hint">{t('card.noDevices')}</p>}
      <ul className="devices">
        {devices.map((device) => {
          const isOpen = open === device.code;
          return (
            <li key={device.code}>
              <DeviceFacts device={device} />
              {desk && (
                <Button
                  size="small"
                  type="text"
                  aria-expanded={isOpen}
                  aria-label={t('command.open', { device: device.code })}
                  onClick={() => setOpen(isOpen ? null : device.code)}
                  data-testid={`device-${device.code}`}
                >
                  {isOpen ? '▾' : '▸'}
                </Button>
              )}
              {isOpen && (
                <div className="device-open">
                  <DeviceCommands device={device.code} alertId={alertId} />
                  {onChanged && <Unbind device={device.code} onDone={onChanged} />}
                </div>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function DeviceFacts({ device }: { device: Device }) {
  const { t, word, time } = useI18n();
  return (
    <>
      <span className="device-name">
        <b>{word('device', device.kind)}</b> <span className="code">{device.code}</span>
      </span>
      <span className="device-facts">
        {device.battery !== null && (
          <span className={device.battery <= LOW_BATTERY_PERCENT ? 'strong' : ''}>
            {t('card.battery', { percent: Math.round(device.battery) })}
            {' · '}
          </span>
        )}
        {device.last_seen_at ? t('card.seen', { time: time(device.last_seen_at) }) : t('card.neverSeen')}
      </span>
    </>
  );
}
