import { expect, test } from 'vitest';
import type { Me } from '../src/api/types.ts';
import { fitting, nextStep } from '../src/parts/steps.ts';
import { alert } from './make.ts';

const me = (role: Me['role']): Me => ({
  person: { id: 7, code: 'x', name: 'x', language: 'en' },
  roles: [role],
  role,
  districts: null,
  csrf: '',
});
const mine = { id: 7, name: 'x' };

test('who stands at the door goes in, or says that nobody opens', () => {
  const there = alert({ state: 'there', handler: mine });
  expect(fitting(there, me('volunteer'))).toEqual(['inside', 'no_entry', 'resolve', 'checkin', 'release']);
  expect(nextStep(there)).toBe('inside');
});

test('who is inside ends it, says that all is well, or hands it back', () => {
  const inside = alert({ state: 'inside', handler: mine });
  expect(fitting(inside, me('volunteer'))).toEqual(['resolve', 'checkin', 'release']);
  expect(nextStep(inside)).toBe('resolve');
});

test('the desk can take it from somebody, and nobody else can', () => {
  const going = alert({ state: 'on_the_way', handler: { id: 8, name: 'y' } });
  expect(fitting(going, me('operator'))).toContain('release');
  expect(fitting(going, me('family'))).toEqual([]);
});
