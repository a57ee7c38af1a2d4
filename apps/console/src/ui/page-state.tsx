import { type ReactNode } from 'react';
import { ApiProblem, faultOf, type Fault } from '../api/problem.js';
import { signInPath } from '../api/session.js';
import styles from './page-state.module.css';
import { Untrusted } from './untrusted.js';

interface InPage {
  /** Whether the page has no other heading of the first level. */
  readonly isWholePage?: boolean;
}

interface StateProps extends InPage {
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}

/** A place where there is nothing else to show: says what is so, why, and what to do. */
export function PageState({ title, isWholePage = false, children, action }: StateProps) {
  const Heading = isWholePage ? 'h1' : 'h2';
  return (
    <div className={styles.state}>
      <Heading>{title}</Heading>
      {children !== undefined && <div className={styles.words}>{children}</div>}
      {action !== undefined && <div className={styles.action}>{action}</div>}
    </div>
  );
}

/** While an answer is awaited. Screen readers hear it; the bars only show where something will be. */
export function Loading({ what, isWholePage = false }: InPage & { readonly what: string }) {
  const Words = isWholePage ? 'h1' : 'span';
  return (
    <div className={styles.loading} role="status">
      <Words className="visually-hidden">Loading {what} …</Words>
      {['92%', '78%', '85%', '64%'].map((width) => (
        <span key={width} className={styles.bar} style={{ inlineSize: width }} aria-hidden="true" />
      ))}
    </div>
  );
}

const titles: Readonly<Record<Fault, string>> = {
  'signed-out': 'You are not signed in',
  'no-rights': 'You may not see this',
  unknown: 'Not found',
  refused: 'The server did not accept this request',
  away: 'The server does not respond',
  broken: 'This page does not understand the response',
};

interface ErrorStateProps extends InPage {
  readonly error: unknown;
  readonly retry?: () => void;
  /** What is missing beside what is shown: `More events`. */
  readonly what?: string;
}

/** Why a screen has nothing to show, or lacks a part, and what helps. */
export function ErrorState({ error, retry, what, isWholePage = false }: ErrorStateProps) {
  const fault = faultOf(error);
  const detail = error instanceof ApiProblem ? error.message : 'Something unexpected happened in this page.';
  const needs = error instanceof ApiProblem ? error.needs : [];
  const again =
    retry === undefined ? undefined : (
      <button type="button" onClick={retry}>
        Try again
      </button>
    );
  if (fault === 'signed-out')
    return (
      <PageState
        isWholePage={isWholePage}
        title={titles[fault]}
        action={
          <a className="button" href={signInPath(location.pathname + location.search)}>
            Sign in
          </a>
        }
      >
        Your session has ended, or you have not signed in yet. You will return here after you sign in.
      </PageState>
    );
  if (fault === 'no-rights')
    return (
      <PageState isWholePage={isWholePage} title={titles[fault]}>
        <p>
          {needs.length === 0 ? (
            <Untrusted text={detail} />
          ) : (
            <>
              It needs the right <Untrusted text={needs.join(' or ')} />, which your roles do not include.
            </>
          )}
        </p>
        <p>Ask the people who run the issuer; they can find this refusal in the trail.</p>
      </PageState>
    );
  const title = what === undefined ? titles[fault] : `${what} could not be loaded`;
  return (
    <PageState isWholePage={isWholePage} title={title} action={again}>
      <div role="alert">
        <Untrusted text={detail} />
      </div>
    </PageState>
  );
}
