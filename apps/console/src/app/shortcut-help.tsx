import { useState } from 'react';
import { useNavigate } from '@tanstack/react-router';
import { setLetters, useLetters, useListedShortcuts, useShortcuts } from '../shortcuts/shortcuts.js';
import { Dialog } from '../ui/dialog.js';
import { screens } from './screens.js';
import styles from './shell.module.css';

/** The list of shortcuts, opened by `?`, including those for the screens. */
export function ShortcutHelp() {
  const [open, setOpen] = useState(false);
  const listed = useListedShortcuts();
  const letters = useLetters();
  const navigate = useNavigate();
  useShortcuts([
    {
      keys: '?',
      title: 'Show these shortcuts',
      run: () => {
        setOpen(true);
      },
    },
    ...screens.map(({ letter, title, to }) => ({
      keys: `g ${letter}`,
      title: `Go to ${title}`,
      run: () => void navigate({ to }),
    })),
  ]);
  if (!open) return null;
  return (
    <Dialog
      title="Shortcuts"
      onClose={() => {
        setOpen(false);
      }}
    >
      <dl className={styles.shortcuts}>
        {listed.map(({ keys, title }) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{title}</dd>
          </div>
        ))}
      </dl>
      <label>
        <input
          type="checkbox"
          checked={letters}
          onChange={({ target }) => {
            setLetters(target.checked);
          }}
        />{' '}
        Single letters are shortcuts
      </label>
    </Dialog>
  );
}
