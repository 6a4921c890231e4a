import type { Alert, District } from '../api/types.ts';
import type { Key } from '../i18n/en.ts';

/** Alerts of no single home: a whole district, or a part of the platform itself. */
const OF_NO_HOME: Readonly<Record<string, Key>> = {
  district_dark: 'subject.district',
  building_dark: 'subject.building',
  gateway_dark: 'subject.platform',
  platform_ill: 'subject.platform',
};

export function isOfNoHome(alert: Alert): boolean {
  return alert.kind in OF_NO_HOME;
}

/** Whom or what an alert is about, in one line. */
export function subject(
  alert: Alert,
  t: (key: Key, params?: Record<string, unknown>) => string,
  district: (district: District | null) => string | null,
): string {
  const own = OF_NO_HOME[alert.kind];
  if (own) return t(own, { district: district(alert.district) ?? t('none') });
  return alert.elder ?? alert.home ?? t('queue.unknownDevice');
}
