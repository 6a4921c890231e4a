import { Button, Input } from 'antd';
import { useState } from 'react';
import type { Alert, Outcome } from '../api/types.ts';
import type { Key } from '../i18n/en.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { type Actions, useActions } from '../live/useActions.ts';
import { isDesk, useSession } from '../session.tsx';
import { type Choice, fitting, nextStep, TEST_IDS } from './steps.ts';

interface Props {
  alert: Alert;
  onDone?: () => void;
}

/** The buttons that fit the alert's state and the reader's role; the natural next one stands out. */
export function ActionBar({ alert, onDone }: Props) {
  const { t } = useI18n();
  const { me } = useSession();
  const actions = useActions();
  const [isResolving, setResolving] = useState(false);
  const desk = isDesk(me.role);
  const steps = fitting(alert, me);
  const next = nextStep(alert);
  if (steps.length === 0) return null;

  const run = async (choice: Exclude<Choice, 'resolve'>) => {
    const done = choice === 'decline' ? actions.decline(alert) : actions.step(alert, choice);
    if (await done) onDone?.();
  };

  return (
    <div className={desk ? 'actions' : 'actions actions-mine'}>
      {steps.map((choice) => {
        const name = t(nameOf(choice, desk));
        const type = next === choice ? 'primary' : 'default';
        if (choice === 'resolve') {
          return (
            <Button
              key={choice}
              type={type}
              aria-expanded={isResolving}
              onClick={() => setResolving(!isResolving)}
              data-testid="resolve"
            >
              {name}
            </Button>
          );
        }
        return (
          <Button
            key={choice}
            type={type}
            loading={actions.busy === choice}
            disabled={actions.busy !== null}
            onClick={() => run(choice)}
            data-testid={TEST_IDS[choice]}
          >
            {name}
          </Button>
        );
      })}
      {isResolving && <Resolve alert={alert} actions={actions} {...(onDone ? { onDone } : {})} />}
    </div>
  );
}

/** The desk speaks of others, a helper of themselves. */
function nameOf(choice: Choice, desk: boolean): Key {
  if (choice === 'decline' || choice === 'dispatch' || choice === 'no_entry') return `action.${choice}`;
  return desk ? `action.${choice}` : `action.${choice}.mine`;
}

const OUTCOMES: readonly Outcome[] = ['real', 'false_alarm', 'test'];

/** A word about what happened, then one click on what it was. */
function Resolve({ alert, actions, onDone }: Props & { actions: Actions }) {
  const { t } = useI18n();
  const [note, setNote] = useState('');
  const id = `resolve-note-${alert.id}`;

  const resolve = async (outcome: Outcome) => {
    if (await actions.resolve(alert, outcome, note.trim())) onDone?.();
  };

  return (
    <fieldset className="resolve">
      <legend>{t('resolve.title')}</legend>
      <label htmlFor={id}>{t('resolve.note')}</label>
      <Input.TextArea
        id={id}
        rows={2}
        maxLength={1000}
        value={note}
        onChange={(event) => setNote(event.target.value)}
        data-testid="resolve-note"
      />
      <div className="outcomes">
        {OUTCOMES.map((outcome) => (
          <Button
            key={outcome}
            disabled={actions.busy !== null}
            onClick={() => resolve(outcome)}
            data-testid={`outcome-${outcome}`}
          >
            {t(`outcome.${outcome}`)}
          </Button>
        ))}
      </div>
    </fieldset>
  );
}
