export { createService, type CreateOptions, type CreatedService } from './create-service.js';
export { namesOf, nameProblem, type ServiceNames } from './service-names.js';
