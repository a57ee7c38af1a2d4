import { runService } from '@countersign/service-host/run';

runService(import.meta.url, () => import('./start.js'));
