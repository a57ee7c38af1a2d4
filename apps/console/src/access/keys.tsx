import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ErrorState, Loading } from '../ui/page-state.js';
import { Time, useNow } from '../ui/time.js';
import { AccessTable } from './access-table.js';
import styles from './access.module.css';
import { ChangeButtons } from './change-buttons.js';
import { leftText } from './expiry.js';
import { keysSchema, type KeyAnswer } from './issuer-answers.js';
import { askIssuer } from './issuer-queries.js';
import { keyChange, type KeyPurpose } from './key-changes.js';
import { type PlannedChange } from './planned-change.js';
import { Status } from './status.js';

interface KeysProps {
  readonly purpose: KeyPurpose;
  readonly plan: (change: PlannedChange) => void;
}

/** When a key last signed, as far as the issuer reports it. */
function LastUse({ state, retired_at: retired, activated_at: activated, removed_at: removed }: KeyAnswer) {
  if (state === 'active') return <>signs now</>;
  const end = retired ?? removed;
  if (typeof activated !== 'string' || typeof end !== 'string') return <>has not signed</>;
  return (
    <>
      signed until <Time at={end} relative />
    </>
  );
}

/** Whether a key still signs although its rotation was due an hour ago. */
const isLate = ({ state, ends_at: end }: KeyAnswer, now: number): boolean =>
  state === 'active' && typeof end === 'string' && Date.parse(end) < now - 3_600_000;

/** When the key's state ends by itself. */
function plannedEnd(key: KeyAnswer, now: number): string | undefined {
  if (isLate(key, now)) return 'rotation is overdue: check the issuer';
  return typeof key.ends_at === 'string' ? leftText(key.ends_at, now) : undefined;
}

/** Keys of one purpose, newest first. */
export function Keys({ purpose, plan }: KeysProps) {
  const now = useNow();
  const { data, error, refetch } = useQuery({
    queryKey: ['issuer', purpose],
    queryFn: async ({ signal }) => (await askIssuer(keysSchema, `admin/${purpose}`, { signal })).keys,
  });
  if (data === undefined && error !== null) return <ErrorState error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Loading what="keys" />;
  const withoutNext = !data.some(({ state }) => state === 'pending');
  const kind = purpose === 'keys' ? 'signing-key' : 'revocation-key';
  return (
    <>
      {error !== null && <ErrorState what="The latest state of the keys" error={error} retry={() => void refetch()} />}
      {withoutNext && (
        <p className={styles.warning} role="status">
          No key is pending: the next rotation must wait until one has been published long enough.
        </p>
      )}
      <AccessTable
        caption={purpose === 'keys' ? 'Keys that sign tokens' : 'Keys that sign revocations'}
        empty="No keys"
        rows={data}
        idOf={({ kid }) => kid}
        isUrgent={(key) => isLate(key, now)}
        columns={[
          {
            title: 'Key',
            cell: ({ kid }) => (
              <Link to="/" search={{ resource: `${kind}/${kid}` }}>
                <code>{kid.slice(0, 12)}…</code>
              </Link>
            ),
          },
          { title: 'State', cell: ({ state, revoked }) => <Status status={revoked ? 'revoked' : state} /> },
          { title: 'Algorithm', cell: ({ alg }) => alg },
          { title: 'Since', cell: ({ created_at: at }) => <Time at={at} relative /> },
          {
            title: 'Rotates or is removed in',
            cell: (key) => {
              const words = plannedEnd(key, now);
              return words === undefined ? '' : <span title={key.ends_at ?? ''}>{words}</span>;
            },
          },
          { title: 'Last used', cell: (key) => <LastUse {...key} /> },
          {
            title: 'Change',
            cell: ({ kid, state }) => (
              <ChangeButtons
                plan={plan}
                changes={[
                  ...(state === 'active' ? [{ label: 'Rotate', change: keyChange.rotate(purpose) }] : []),
                  ...(state === 'removed' ? [] : [{ label: 'Revoke', change: keyChange.revoke(purpose, kid) }]),
                ]}
              />
            ),
          },
        ]}
      />
    </>
  );
}
