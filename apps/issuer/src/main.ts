import { runService } from '@countersign/service-host/run';

runService(import.meta.url, () => import('./start.js'), {
  '--dry-run': 'print what CLIENTS_FILE would change in the database, and exit',
});
