import { type ServiceName } from './services.js';

export interface StackOptions {
  /** The repository's root: where `apps/` is. */
  readonly root: string;
  /** Data, keys and logs. */
  readonly directory: string;
  /** The issuer's port; the other services follow. */
  readonly portBase: number;
  readonly without: readonly ServiceName[];
  /** Services of the user's own: prepared, not started. */
  readonly guests?: readonly string[];
  /** Also runs the development OpenID provider and the demo application, so that people can sign in; false by default. */
  readonly demo?: boolean;
  readonly onStep: (step: string) => void;
  readonly onLine: (name: ServiceName, line: string) => void;
  /** Copies a new database cluster instead of making it, and lets it trade safety for speed: for tests that do not stop PostgreSQL. */
  readonly fast?: boolean;
  /** Further variables for one service; tests shorten times with it. */
  readonly environment?: Partial<Record<ServiceName, Readonly<Record<string, string>>>>;
}
