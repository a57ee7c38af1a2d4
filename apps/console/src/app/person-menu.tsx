import { useState } from 'react';
import { signOut, type Session } from '../api/session.js';
import { Untrusted } from '../ui/untrusted.js';
import { chooseTheme, keptTheme, themes, themeTitles } from './theme.js';
import styles from './shell.module.css';

/** Who is signed in, the theme, and signing out. */
export function PersonMenu({ session }: { readonly session: Session | undefined }) {
  const [theme, setTheme] = useState(keptTheme);
  const [fault, setFault] = useState('');
  const endSession = async (): Promise<void> => {
    setFault('');
    try {
      location.assign(await signOut());
    } catch (error) {
      setFault(`You may still be signed in. ${error instanceof Error ? error.message : ''}`);
    }
  };
  return (
    <div className={styles.person}>
      <label>
        <span className="visually-hidden">Colours</span>
        <select
          value={theme}
          onChange={({ target }) => {
            const chosen = themes.find((one) => one === target.value) ?? 'system';
            setTheme(chosen);
            chooseTheme(chosen);
          }}
        >
          {themes.map((one) => (
            <option key={one} value={one}>
              {themeTitles[one]}
            </option>
          ))}
        </select>
      </label>
      {session !== undefined && (
        <>
          <span className={styles.who}>
            <Untrusted text={session.person.name} limit={40} brief />
          </span>
          <button type="button" onClick={() => void endSession()}>
            Sign out
          </button>
          {fault !== '' && (
            <span role="alert">
              <Untrusted text={fault} />
            </span>
          )}
        </>
      )}
    </div>
  );
}
