import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ErrorState, Loading } from '../ui/page-state.js';
import { acceptKeys, checkCheckpoint } from './checkpoint-check.js';
import { serverLog } from './log-source.js';
import { browserMemory } from './memory.js';
import styles from './proof.module.css';
import { StepsList } from './steps-list.js';
import { verdictOf } from './step.js';

/** The newest checkpoint, verified in this browser; fetched again if it is needed after a while. */
export const checkpointQuery = queryOptions({
  queryKey: ['checkpoint'],
  queryFn: () => checkCheckpoint(serverLog, browserMemory, new Date()),
  staleTime: 30_000,
});

/** A line for any screen: its checkpoint, and whether this browser trusts it. */
export function CheckpointLine() {
  const { data, error } = useQuery(checkpointQuery);
  if (data === undefined)
    return error === null ? null : (
      <p className={styles.line} data-verdict="open">
        <Link to="/proof">The log’s checkpoint could not be checked</Link>
      </p>
    );
  const verdict = verdictOf(data.steps);
  return (
    <p className={styles.line} data-verdict={verdict}>
      {data.checkpoint === undefined ? (
        <Link to="/proof">The log’s checkpoint cannot be trusted</Link>
      ) : (
        <Link to="/proof">As of checkpoint {data.checkpoint.size.toLocaleString('en')}</Link>
      )}
    </p>
  );
}

/** The same, with every step. */
export function CheckpointBanner() {
  const client = useQueryClient();
  const { data, error, isFetching, refetch } = useQuery(checkpointQuery);
  if (data === undefined)
    return error === null ? (
      <Loading what="the checkpoint" />
    ) : (
      <ErrorState error={error} retry={() => void refetch()} />
    );
  const { checkpoint, newKeys, steps } = data;
  return (
    <section className={styles.banner} aria-labelledby="checkpoint">
      <h2 id="checkpoint">
        {checkpoint === undefined
          ? 'The log’s checkpoint cannot be trusted'
          : `As of checkpoint ${checkpoint.size.toLocaleString('en')}`}
      </h2>
      <StepsList steps={steps} />
      {error !== null && <ErrorState error={error} />}
      <div className={styles.actions}>
        <button type="button" disabled={isFetching} onClick={() => void refetch()}>
          Check again
        </button>
        {newKeys.length > 0 && (
          <button
            type="button"
            onClick={() => {
              acceptKeys(browserMemory, newKeys);
              void client.invalidateQueries({ queryKey: checkpointQuery.queryKey });
            }}
          >
            I have compared the new key: accept it
          </button>
        )}
      </div>
    </section>
  );
}
