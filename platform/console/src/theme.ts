/** Ant Design in our dress. Colour means severity, so buttons and links are ink, never blue. */

import type { ThemeConfig } from 'antd';

export const theme: ThemeConfig = {
  components: { Segmented: { trackBg: '#dde4eb' } },
  token: {
    colorPrimary: '#1d3147',
    controlOutline: 'transparent',
    colorSuccess: '#1d3147',
    colorInfo: '#1d3147',
    colorLink: '#14212f',
    colorText: '#14212f',
    colorTextSecondary: '#4b5968',
    colorTextPlaceholder: '#66727f',
    colorBorder: '#c3ccd6',
    borderRadius: 6,
    fontSize: 14,
    motionDurationMid: '0.12s',
    fontFamily:
      'system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans", sans-serif',
  },
};
