import { applyDecorators } from '@nestjs/common';
import { OpenApi } from '@countersign/service-host';

/**
 * The responses of a route for browsers, for /openapi.json: `@Answers({ 200: 'the page', 303: 'to the sign-in' })`. Without it, the document would list
 * only the status that Nest assumes for such a route.
 */
export function Answers(answers: Readonly<Record<number, string>>): MethodDecorator {
  return OpenApi(({ ApiResponse }) =>
    applyDecorators(
      ...Object.entries(answers).map(([status, description]) =>
        ApiResponse({
          status: Number(status),
          description,
          ...(status.startsWith('3') ? {} : { content: { 'text/html': {} } }),
        }),
      ),
    ),
  );
}
