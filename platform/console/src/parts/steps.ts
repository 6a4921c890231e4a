/** Which buttons an alert offers to whom. The platform decides; this only spares people buttons it would refuse. */

import type { Alert, Me } from '../api/types.ts';
import type { Step } from '../live/useActions.ts';
import { isDesk } from '../session.tsx';
import { isOfNoHome } from './subject.ts';

export type Choice = Step | 'decline' | 'resolve';

export const TEST_IDS: Record<Choice, string> = {
  accept: 'accept',
  decline: 'decline',
  dispatch: 'dispatch',
  on_the_way: 'on-the-way',
  there: 'there',
  inside: 'inside',
  no_entry: 'no-entry',
  checkin: 'checkin',
  release: 'release',
  resolve: 'resolve',
};

const DESK_CHOICES: Record<Alert['state'], readonly Choice[]> = {
  open: ['accept', 'dispatch', 'resolve'],
  accepted: ['dispatch', 'on_the_way', 'there', 'release', 'resolve'],
  on_the_way: ['there', 'checkin', 'release', 'resolve'],
  there: ['inside', 'checkin', 'release', 'resolve'],
  inside: ['checkin', 'release', 'resolve'],
  resolved: [],
};

const HELPER_CHOICES: Record<Alert['state'], readonly Choice[]> = {
  open: ['accept'],
  accepted: ['on_the_way', 'there', 'resolve', 'release'],
  on_the_way: ['there', 'resolve', 'checkin', 'release'],
  there: ['inside', 'no_entry', 'resolve', 'checkin', 'release'],
  inside: ['resolve', 'checkin', 'release'],
  resolved: [],
};

export function fitting(alert: Alert, me: Me): readonly Choice[] {
  if (isDesk(me.role)) {
    // Nobody can be sent to a district or to the platform.
    return DESK_CHOICES[alert.state].filter((choice) => choice !== 'dispatch' || !isOfNoHome(alert));
  }
  // Also when an operator has it who has sent for somebody: whoever accepts takes over.
  if (isOffer(alert) && alert.state !== 'resolved') return ['accept', 'decline'];
  if (alert.state !== 'open' && alert.handler?.id !== me.person.id) return [];
  return HELPER_CHOICES[alert.state];
}

/** Somebody who is only asked sees neither the home nor the device before they accept. */
export function isOffer(alert: Alert): boolean {
  return alert.home === null && alert.device === null;
}

const NEXT: Record<Alert['state'], Choice | null> = {
  open: 'accept',
  accepted: 'on_the_way',
  on_the_way: 'there',
  there: 'inside',
  inside: 'resolve',
  resolved: null,
};

export function nextStep(alert: Alert): Choice | null {
  if (isOffer(alert) && alert.state !== 'resolved') return 'accept';
  return NEXT[alert.state];
}
