import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { ask, valueOf } from '../api/client.js';
import { sessionQuery } from '../api/session.js';
import { ErrorState, Loading } from '../ui/page-state.js';
import { Time } from '../ui/time.js';
import { Untrusted } from '../ui/untrusted.js';
import { DeadLetters } from './dead-letters.js';
import { announcementOf, findingsOf, lettersText, spanText, uncovered } from './findings.js';
import { overviewSchema, type Overview } from './health-answers.js';
import styles from './health.module.css';
import { secondsSince } from './source-health.js';
import { Sources } from './sources.js';

const REFRESH_MS = 10_000;

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const events = (count: string): string => BigInt(count).toLocaleString('en');

/** The log, its newest checkpoint, and what has left the database. */
function LogFacts({ overview }: { readonly overview: Overview }) {
  const { log, retention } = overview;
  const { days, segments, first_index: first, last_sealed_at: sealed } = retention;
  return (
    <dl className={styles.facts}>
      <Fact name="Events in the log">{events(log.size)}</Fact>
      <Fact name="Newest checkpoint">
        {log.signed_at === null ? 'none yet' : `${spanText(secondsSince(log.signed_at, overview))} old`}, over{' '}
        {events(log.covered)} events
      </Fact>
      <Fact name="Waiting for a checkpoint">{events(uncovered(overview).toString())}</Fact>
      <Fact name="In the search index">{events(log.indexed)}</Fact>
      <Fact name="Stored in the database">{days === null ? 'forever' : `${String(days)} days`}</Fact>
      <Fact name="Moved to files">
        {segments === 0 && 'nothing'}
        {segments > 0 && `${String(segments)} segments, all events below ${events(first)}`}
        {sealed !== null && (
          <>
            , last <Time at={sealed} relative />
          </>
        )}
      </Fact>
    </dl>
  );
}

/** The responding replica's report about itself. */
function ReplicaFacts({ replica }: { readonly replica: Overview['replica'] }) {
  const { intake, revocation_feed: feed } = replica.notes;
  return (
    <dl className={styles.facts}>
      <Fact name="Ready">{replica.status === 'ready' ? 'yes' : 'no'}</Fact>
      {intake !== undefined && (
        <>
          <Fact name="Waiting in the stream">{intake.waiting?.toLocaleString('en') ?? 'not known'}</Fact>
          <Fact name="From the stream to the log">{intake.lag_ms} ms</Fact>
          <Fact name="Stream filled">
            {intake.stream_fill === null ? 'not known' : `${String(Math.round(intake.stream_fill * 100))} %`}
          </Fact>
          {intake.last_error !== null && (
            <Fact name="Intake’s last error">
              <Untrusted text={intake.last_error} limit={200} />
            </Fact>
          )}
        </>
      )}
      {feed !== undefined && (
        <Fact name="Revocation feed">
          {feed.state}, {feed.entries.toLocaleString('en')} entries
          {feed.lagMs !== null && `, the last one ${String(feed.lagMs)} ms after the issuer made it`}
        </Fact>
      )}
    </dl>
  );
}

function Letters({ overview, mayReplay }: { readonly overview: Overview; readonly mayReplay: boolean }) {
  const [open, setOpen] = useState(false);
  const { waiting, oldest_at: oldest } = overview.dead_letters;
  return (
    <section aria-labelledby="letters">
      <h2 id="letters">Dead letters</h2>
      <p>
        {waiting === 0 ? 'None are waiting for a decision.' : `${lettersText(overview.dead_letters)} for a decision`}
        {oldest !== null && (
          <>
            , the oldest since <Time at={oldest} relative />.
          </>
        )}
      </p>
      <button
        type="button"
        aria-expanded={open}
        onClick={() => {
          setOpen(!open);
        }}
      >
        {open ? 'Hide dead letters' : 'Show dead letters'}
      </button>
      {open && <DeadLetters mayReplay={mayReplay} />}
    </section>
  );
}

/** Whether the trail is complete and up to date. */
export function Health() {
  const [paused, setPaused] = useState(false);
  const { data: session } = useQuery(sessionQuery);
  const { data, error, refetch } = useQuery({
    queryKey: ['health', 'overview'],
    queryFn: async ({ signal }) => valueOf(await ask(overviewSchema, '/overview', { signal })),
    refetchInterval: paused ? false : REFRESH_MS,
    staleTime: 0,
  });
  const findings = data === undefined ? [] : findingsOf(data);
  return (
    <div className={styles.health}>
      <header className={styles.head}>
        <h1>Health</h1>
        <button
          type="button"
          aria-pressed={paused}
          onClick={() => {
            setPaused(!paused);
          }}
        >
          Pause
        </button>
        <button type="button" onClick={() => void refetch()}>
          Refresh now
        </button>
        {data !== undefined && (
          <span className={styles.soft}>
            as of <Time at={data.at} />
          </span>
        )}
      </header>
      {/* It announces something only when the text changes. */}
      <p className="visually-hidden" role="status">
        {data === undefined ? '' : announcementOf(findings)}
      </p>
      {error !== null && <ErrorState error={error} retry={() => void refetch()} />}
      {data === undefined && error === null && <Loading what="the health of the trail" />}
      {data !== undefined && (
        <>
          {findings.length === 0 && <p className={styles.good}>✓ No problems found.</p>}
          {findings.length > 0 && (
            <ul className={styles.findings}>
              {findings.map(({ subject, text }) => (
                <li key={`${subject} ${text}`}>
                  <Untrusted text={text} limit={300} />
                </li>
              ))}
            </ul>
          )}
          <section aria-labelledby="sources">
            <h2 id="sources">Sources</h2>
            <Sources overview={data} />
          </section>
          <Letters overview={data} mayReplay={session?.scopes.includes('audit:admin') === true} />
          <section aria-labelledby="log">
            <h2 id="log">Log and retention</h2>
            <LogFacts overview={data} />
          </section>
          <section aria-labelledby="replica">
            <h2 id="replica">The audit replica that responded</h2>
            <ReplicaFacts replica={data.replica} />
          </section>
          <p className={styles.soft}>
            Services report their outbox, revocations and failing checks to audit every five seconds over NATS
            {data.reports.since !== null && (
              <>
                ; this replica of audit has been listening since <Time at={data.reports.since} />
              </>
            )}
            . A service that cannot reach NATS cannot report either: ask its own <code>/health/ready</code>.
          </p>
        </>
      )}
    </div>
  );
}
