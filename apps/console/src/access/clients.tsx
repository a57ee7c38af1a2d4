import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Time, useNow } from '../ui/time.js';
import { Untrusted } from '../ui/untrusted.js';
import styles from './access.module.css';
import { ChangeButtons } from './change-buttons.js';
import { isOld, SECRET_DAYS } from './expiry.js';
import { clientsSchema, type ClientAnswer } from './issuer-answers.js';
import { askIssuer, newestQuery } from './issuer-queries.js';
import { PagedTable } from './paged-table.js';
import { clientChange } from './client-changes.js';
import { type PlannedChange } from './planned-change.js';
import { Status } from './status.js';

function changesOf({ client_id: id, status, token_endpoint_auth_method: method }: ClientAnswer) {
  if (status === 'disabled') return [{ label: 'Enable', change: clientChange.enable(id) }];
  return [
    { label: 'Disable', change: clientChange.disable(id) },
    { label: 'Revoke tokens', change: clientChange.revoke(id) },
    ...(method === 'client_secret_basic' ? [{ label: 'New secret', change: clientChange.newSecret(id) }] : []),
  ];
}

/** The keys and secrets by which a client proves who it is, each with a way to end it. */
function Credentials({ row, plan }: { readonly row: ClientAnswer; readonly plan: (change: PlannedChange) => void }) {
  const { client_id: id, secrets, jwks, token_endpoint_auth_method: method = 'private_key_jwt' } = row;
  const now = useNow();
  const keys = (jwks?.keys ?? []).flatMap(({ kid }) => kid ?? []);
  return (
    <>
      {method}
      <ul className={styles.credentials}>
        {keys.map((kid) => (
          <li key={kid}>
            <code>
              <Untrusted text={kid} limit={14} brief />
            </code>{' '}
            {keys.length > 1 && (
              <ChangeButtons changes={[{ label: 'Remove', change: clientChange.removeKey(id, kid) }]} plan={plan} />
            )}
          </li>
        ))}
        {secrets.map(({ id: secret, created_at: at }) => (
          <li key={secret} className={isOld(at, now) ? styles.urgent : undefined}>
            <span>
              secret, made <Time at={at} relative />
            </span>
            {isOld(at, now) && <strong className={styles.off}>older than {SECRET_DAYS} days: make a new one</strong>}
            <ChangeButtons changes={[{ label: 'Remove', change: clientChange.removeSecret(id, secret) }]} plan={plan} />
          </li>
        ))}
      </ul>
    </>
  );
}

/** A client's latest action; the link shows it in the trail. */
function LastUse({ client, page }: { readonly client: string; readonly page: readonly string[] }) {
  const { data, error } = useQuery(newestQuery(page));
  const last = data?.get(client);
  if (error !== null) return <>not known</>;
  if (data === undefined) return <>…</>;
  if (last === undefined) return <>never</>;
  return (
    <Link to="/" search={{ client }}>
      <Time at={last.time} relative /> <Untrusted text={last.action} brief />
    </Link>
  );
}

/** Services and applications that may request tokens. */
export function Clients({ plan }: { readonly plan: (change: PlannedChange) => void }) {
  return (
    <PagedTable
      what="clients"
      name={['clients']}
      caption="Clients"
      empty="No clients"
      load={async (query, signal) => {
        const { clients: rows, next_cursor } = await askIssuer(clientsSchema, 'admin/clients', { query, signal });
        return { rows, next_cursor };
      }}
      idOf={({ client_id: id }: ClientAnswer) => id}
      columns={(pageOf) => [
        {
          title: 'Client',
          cell: ({ client_id: id, client_name: name }) => (
            <>
              <strong>
                <Untrusted text={id} brief />
              </strong>{' '}
              {name !== undefined && (
                <span className={styles.under}>
                  <Untrusted text={name} limit={60} brief />
                </span>
              )}
            </>
          ),
        },
        { title: 'Status', cell: ({ status }) => <Status status={status} /> },
        { title: 'Authenticates by', cell: (row) => <Credentials row={row} plan={plan} /> },
        { title: 'Since', cell: ({ created_at: at }) => <Time at={at} relative /> },
        {
          title: 'Last used',
          cell: (row) => <LastUse client={row.client_id} page={pageOf(row).map(({ client_id: one }) => one)} />,
        },
        { title: 'Change', cell: (row) => <ChangeButtons changes={changesOf(row)} plan={plan} /> },
      ]}
    />
  );
}
