import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { type FoundEvent } from '../api/events.js';
import { useShortcuts } from '../shortcuts/shortcuts.js';
import { CopyButton } from '../ui/copy-button.js';
import { DepartedMark } from '../departed/departed-mark.js';
import { OutcomeMark } from '../ui/outcome.js';
import { ErrorState, Loading } from '../ui/page-state.js';
import { Time } from '../ui/time.js';
import { Untrusted } from '../ui/untrusted.js';
import { ActorPath } from './actor-path.js';
import { isMasked } from './changes.js';
import { ChangesView } from './changes-view.js';
import { eventQuery } from './event-queries.js';
import styles from './event.module.css';
import { MaskedValues } from './masked-values.js';
import { RequestPath } from './request-path.js';
import { TokenBehind } from './token-behind.js';

const route = getRouteApi('/event/$index');
const ProofLine = lazy(async () => ({ default: (await import('../proof/proof-line.js')).ProofLine }));

/** One event, by its place in the log. */
export function Event() {
  const { index } = route.useParams();
  const navigate = useNavigate();
  const { data, error, refetch } = useQuery(eventQuery(index));
  const go = (step: bigint): void => {
    const wanted = BigInt(/^\d{1,17}$/.test(index) ? index : '0') + step;
    if (wanted >= 0n) void navigate({ to: '/event/$index', params: { index: wanted.toString() } });
  };
  useShortcuts([
    {
      keys: 'n',
      title: 'Newer event',
      run: () => {
        go(1n);
      },
    },
    {
      keys: 'p',
      title: 'Older event',
      run: () => {
        go(-1n);
      },
    },
    {
      keys: 'u',
      title: 'Back to the trail',
      run: () => {
        history.back();
      },
    },
  ]);
  if (error !== null || data === undefined)
    return (
      <>
        <h1 className="visually-hidden">
          Event <Untrusted text={index} brief />
        </h1>
        {error === null ? <Loading what="the event" /> : <ErrorState error={error} retry={() => void refetch()} />}
      </>
    );
  return <Shown key={index} found={data} />;
}

function hasMasked(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).some(hasMasked);
  return isMasked(value);
}

function Shown({ found }: { readonly found: FoundEvent }) {
  const { event, log_index: index, received_at: receivedAt } = found;
  const { principal, action, resource, outcome, reason, request, changes, txn } = event.data;
  const trace = event.traceparent?.split('-')[1];
  const links: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ...(principal === null
      ? []
      : [
          ['of this subject', { subject: principal.subject }] as const,
          ['of this client', { client: principal.client_id }] as const,
        ]),
    ...(principal?.api_key === undefined ? [] : [['by this API key', { api_key: principal.api_key.id }] as const]),
    ['on this resource', { resource }],
    ['of this kind', { type: event.type }],
    ...(txn === null ? [] : [['of this transaction', { txn }] as const]),
    ...(trace === undefined ? [] : [['of this request', { trace }] as const]),
  ];
  return (
    <article className={styles.event} data-outcome={outcome}>
      <header className={styles.head}>
        <h1>
          <Untrusted text={action} brief /> <OutcomeMark outcome={outcome} />
        </h1>
        <p>
          <Untrusted text={resource} />
          {reason !== undefined && (
            <>
              {' – '}
              <strong>
                <Untrusted text={reason} />
              </strong>
            </>
          )}
        </p>
        <p className={styles.soft}>
          <Time at={event.time} /> (<Time at={event.time} relative />) · log index {index} ·{' '}
          <Untrusted text={event.type} />
        </p>
        <div className={styles.choice}>
          <CopyButton text={`${location.origin}/event/${index}`}>Copy the permanent link</CopyButton>
          <CopyButton text={JSON.stringify(event, null, 2)}>Copy as JSON</CopyButton>
          <CopyButton text={`countersign audit search --cursor=${(BigInt(index) + 1n).toString()} --limit=1`}>
            Copy as a command
          </CopyButton>
        </div>
      </header>
      <Suspense fallback={<p className={styles.soft}>…</p>}>
        <ProofLine shown={[found]} name={index} />
      </Suspense>
      <section aria-labelledby="who">
        <h2 id="who">Who</h2>
        {principal !== null && <DepartedMark principal={principal} time={event.time} />}
        <ActorPath event={event} />
      </section>
      <section aria-labelledby="everything">
        <h2 id="everything">Related events</h2>
        <ul className={styles.links}>
          {links.map(([words, search]) => (
            <li key={words}>
              <Link to="/" search={search}>
                {words}
              </Link>
            </li>
          ))}
        </ul>
      </section>
      <section aria-labelledby="path">
        <h2 id="path">The request across services</h2>
        <RequestPath trace={trace} txn={txn} current={found} />
      </section>
      <section aria-labelledby="changes">
        <h2 id="changes">What changed</h2>
        <ChangesView changes={changes} />
      </section>
      {hasMasked(event.data) && (
        <section aria-labelledby="masked">
          <h2 id="masked">Masked values</h2>
          <MaskedValues id={event.id} />
        </section>
      )}
      {principal !== null && (
        <section aria-labelledby="token">
          <h2 id="token">The token behind it</h2>
          <TokenBehind principal={principal} />
        </section>
      )}
      <section aria-labelledby="record">
        <h2 id="record">The record</h2>
        <dl className={styles.pairs}>
          {(
            [
              ['id', event.id],
              ['source', `${event.source}, number ${event.sequence}`],
              ['in the log since', receivedAt],
              ['transaction', txn ?? '–'],
              ['trace', trace ?? '–'],
              ['request', request === undefined ? '–' : `${request.method} ${request.route} (${request.id})`],
              ['peer', request === undefined ? '–' : isMasked(request.peer) ? 'masked' : request.peer],
            ] as const
          ).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <Untrusted text={value} />
              </dd>
            </div>
          ))}
        </dl>
        <details>
          <summary>As stored in the log</summary>
          <pre className={styles.json}>
            {JSON.stringify(event, null, 2)
              .split('\n')
              .map((line, at) => (
                <span key={at}>
                  <Untrusted text={line} limit={2_000} />
                  {'\n'}
                </span>
              ))}
          </pre>
        </details>
      </section>
    </article>
  );
}
