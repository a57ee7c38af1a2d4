import styles from './access.module.css';

const signs: Readonly<Record<string, string>> = {
  disabled: '⊘',
  revoked: '⊘',
  removed: '–',
  expired: '–',
  rotated: '↻',
  pending: '…',
  retired: '↻',
};

/** Whether something works. The icon shows it too, for people who cannot distinguish the colours. */
export function Status({ status }: { readonly status: string }) {
  const refused = status === 'disabled' || status === 'revoked';
  return (
    <span className={refused ? styles.off : styles.on}>
      <span aria-hidden="true">{signs[status] ?? '✓'}</span> {status}
    </span>
  );
}
