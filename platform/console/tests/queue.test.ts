import { expect, test } from 'vitest';
import type { Me } from '../src/api/types.ts';
import { settle } from '../src/pages/useCursor.ts';
import { fitting } from '../src/parts/steps.ts';
import { hrefOf, parseRoute } from '../src/router.ts';
import { alert } from './make.ts';

const rows = (...ids: number[]) => ids.map((id) => alert({ id }));
const at = (id: number | null, index: number) => ({ id, index, openId: null, moved: 0 });

test('the cursor stays on its alert when others come above it', () => {
  expect(settle(at(2, 1), rows(9, 1, 2), null)).toEqual(at(2, 2));
});

test('the cursor takes the row that moves up when its alert leaves', () => {
  expect(settle(at(2, 1), rows(1, 3), null).id).toBe(3);
  expect(settle(at(3, 2), rows(1, 2), null).id).toBe(2);
});

test('the first alert of an empty queue gets the cursor', () => {
  const empty = settle(at(5, 3), [], null);
  expect(empty.id).toBeNull();
  expect(settle(empty, rows(8), null).id).toBe(8);
});

test('opening an alert puts the cursor there', () => {
  expect(settle(at(1, 0), rows(1, 2), 2)).toEqual({ ...at(2, 1), openId: 2 });
});

test('buttons fit the role', () => {
  const me = (role: Me['role']): Me => ({
    person: { id: 3, code: 'p', name: 'P', language: 'en' },
    roles: [role],
    role,
    districts: null,
    csrf: '',
  });
  const mine = { id: 3, name: 'P' };
  const another = { id: 4, name: 'Q' };
  expect(fitting(alert(), me('operator'))).toEqual(['accept', 'dispatch', 'resolve']);
  expect(fitting(alert(), me('family'))).toEqual(['accept']);
  const offer = { home: null, elder: null };
  expect(fitting(alert(offer), me('volunteer'))).toEqual(['accept', 'decline']);
  expect(fitting(alert({ ...offer, state: 'accepted', handler: another }), me('volunteer'))).toContain(
    'accept',
  );
  expect(fitting(alert({ state: 'accepted', handler: another }), me('family'))).toEqual([]);
  expect(fitting(alert({ state: 'accepted', handler: mine }), me('caregiver'))).toContain('on_the_way');
});

test('addresses survive codes with odd letters', () => {
  expect(parseRoute(hrefOf('homes', 'WX/1 ä'))).toEqual({ page: 'homes', open: 'WX/1 ä' });
  expect(parseRoute('')).toEqual({ page: '', open: null });
});
