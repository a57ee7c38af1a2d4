import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { sessionQuery, signInPath } from '../api/session.js';
import { ErrorState, Loading, PageState } from '../ui/page-state.js';
import { screens } from './screens.js';
import styles from './shell.module.css';
import { ShortcutHelp } from './shortcut-help.js';
import { PersonMenu } from './person-menu.js';

/** Moves the focus to a new screen, so that a screen reader starts there; not for the first one, where the browser does it. */
function useFocusOnScreen(): React.RefObject<HTMLElement | null> {
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const first = useRef(path);
  useEffect(() => {
    if (first.current === path) return;
    first.current = '';
    main.current?.focus();
  }, [path]);
  return main;
}

function Welcome({ ended }: { readonly ended: boolean }) {
  const here = useRouterState({ select: ({ location }) => location.href });
  useEffect(() => {
    // The focused element is gone.
    if (ended) document.getElementById('main')?.focus();
  }, [ended]);
  return (
    <PageState
      isWholePage
      title={ended ? 'Your session has ended' : 'Sign in to see the trail'}
      action={
        <a className="button" href={signInPath(here)}>
          Sign in
        </a>
      }
    >
      {ended
        ? 'Sign in again to return to this page.'
        : 'Who did what, on whose behalf, and the proof of it. Your reads are recorded too, with your name.'}
    </PageState>
  );
}

function Screen() {
  const { data, error, isPending, refetch } = useQuery(sessionQuery);
  const [wasIn, setWasIn] = useState(false);
  if (data && !wasIn) setWasIn(true);
  if (isPending) return <Loading isWholePage what="your session" />;
  if (data === null) return <Welcome ended={wasIn} />;
  if (data === undefined) return <ErrorState isWholePage error={error} retry={() => void refetch()} />;
  return <Outlet />;
}

/** The frame of every screen. */
export function Shell() {
  const main = useFocusOnScreen();
  const { data } = useQuery(sessionQuery);
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#main">
        Skip to the content
      </a>
      <header className={styles.header}>
        <Link to="/" className={styles.name}>
          Countersign
        </Link>
        {data && (
          <nav aria-label="Screens" className={styles.screens}>
            {screens.map(({ to, title }) => (
              <Link key={to} to={to} activeOptions={{ includeSearch: false, exact: to === '/' }}>
                {title}
              </Link>
            ))}
          </nav>
        )}
        <PersonMenu session={data ?? undefined} />
      </header>
      <ShortcutHelp />
      <main id="main" ref={main} tabIndex={-1} className={styles.main}>
        <Screen />
      </main>
    </div>
  );
}

export function NotFound() {
  return (
    <PageState isWholePage title="There is no such page" action={<Link to="/">Go to the trail</Link>}>
      The address may be mistyped, or from another version.
    </PageState>
  );
}

/** Shown while a screen's code is loading. */
export function ScreenLoading() {
  return <Loading isWholePage what="the screen" />;
}

/** Shown instead of a screen whose code did not load, or failed. */
export function ScreenFailed() {
  return (
    <PageState
      isWholePage
      title="This screen cannot be shown"
      action={
        <button
          type="button"
          onClick={() => {
            location.reload();
          }}
        >
          Try again
        </button>
      }
    >
      <div role="alert">Part of it did not load, or something unexpected happened on this page.</div>
    </PageState>
  );
}

/** Shown instead of the whole page, including its frame. */
export function ShellFailed() {
  return (
    <main id="main" className={styles.main}>
      <ScreenFailed />
    </main>
  );
}
