import { Select } from 'antd';
import { useState } from 'react';
import type { Shortfall, ShortfallGroup } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { Quiet } from '../parts/Quiet.tsx';
import { Severity } from '../parts/Severity.tsx';
import { hrefOf } from '../router.ts';
import { useFetched } from '../useFetched.ts';
import { Unanswered } from './Unanswered.tsx';

const LIMIT = 50;
const ALL = '';

/** What would go wrong at an alarm, gravest first, and who did not answer their weekly test. */
export default function CoveragePage({ open }: { open: string | null }) {
  const { t } = useI18n();
  const view = open === 'tests' ? 'tests' : 'list';
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t('coverage.title')}</h1>
        <nav className="views" aria-label={t('coverage.title')}>
          <a href={hrefOf('coverage')} aria-current={view === 'list' ? 'page' : undefined}>
            {t('coverage.list')}
          </a>
          <a
            href={hrefOf('coverage', 'tests')}
            aria-current={view === 'tests' ? 'page' : undefined}
            data-testid="reach-tests"
          >
            {t('coverage.tests')}
          </a>
        </nav>
      </div>
      {view === 'tests' ? <Unanswered /> : <Groups />}
    </div>
  );
}

function Groups() {
  const { t, language } = useI18n();
  const [kind, setKind] = useState(ALL);
  const { value } = useFetched<{ groups: ShortfallGroup[] }>(`/api/coverage?limit=${LIMIT}`);
  const groups = value?.groups;
  if (!groups) return <Quiet>{t('loading')}</Quiet>;
  if (groups.length === 0) return <Quiet hint={t('coverage.empty.hint')}>{t('coverage.empty')}</Quiet>;
  const total = (of: ShortfallGroup[]) => of.reduce((sum, group) => sum + group.count, 0);
  const kinds = [...new Map(groups.map((group) => [group.kind, group.texts[language].title])).entries()];
  const options = kinds.map(([one, title]) => ({
    value: one,
    label: `${title} ${total(groups.filter((group) => group.kind === one))}`,
  }));
  return (
    <>
      <div className="page-head">
        <Select
          className="coverage-kind"
          aria-label={t('coverage.kind')}
          value={kind}
          onChange={setKind}
          options={[{ value: ALL, label: `${t('coverage.all')} ${total(groups)}` }, ...options]}
          data-testid="coverage-kind"
        />
      </div>
      {groups
        .filter((group) => kind === ALL || group.kind === kind)
        .map((group) => (
          <Group key={`${group.kind} ${group.severity}`} group={group} />
        ))}
    </>
  );
}

function Group({ group }: { group: ShortfallGroup }) {
  const { t, language } = useI18n();
  const { title, fix } = group.texts[language];
  const left = group.count - group.problems.length;
  return (
    <section className="block" data-testid={`coverage-${group.kind}-${group.severity}`}>
      <h2>
        <Severity severity={group.severity} /> {title} <span className="number muted">{group.count}</span>
      </h2>
      <p className="quiet-hint">{fix}</p>
      <ul className="past">
        {group.problems.map((problem) => (
          <Line key={problem.what.en} problem={problem} />
        ))}
      </ul>
      {left > 0 && <p className="hint">{t('coverage.more', { count: left })}</p>}
    </section>
  );
}

function Line({ problem }: { problem: Shortfall }) {
  const { language } = useI18n();
  return (
    <li>
      {problem.what[language]}
      {problem.home && (
        <>
          {' '}
          <a className="code" href={hrefOf('homes', problem.home)}>
            {problem.home}
          </a>
        </>
      )}
    </li>
  );
}
