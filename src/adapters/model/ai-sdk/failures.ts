/** Turns what the AI SDK throws into a failure. */
import {
  APICallError,
  EmptyResponseBodyError,
  InvalidResponseDataError,
  JSONParseError,
  LoadAPIKeyError,
  NoSuchModelError,
  StreamProviderError,
  TypeValidationError,
} from 'ai';
import { Failure } from '../../../../activities/failures.ts';
import { StreamPartError } from './stream.ts';
import { excerpt } from '../call-facts.ts';
import type { CallFacts } from '../call-facts.ts';
import { fromErrorAnswer, fromStreamProblem, modelFailure, toProblem } from '../http/http-failures.ts';
import { asObject, asText } from '../http/json.ts';

/** `error` is never kept as a cause: the SDK's errors hold the whole request, and what the endpoint said in full. */
export function fromAiSdkError(thrown: unknown, facts: CallFacts): Failure {
  const error = thrown instanceof StreamPartError ? thrown.cause : thrown;
  if (error instanceof Failure) return error;
  if (APICallError.isInstance(error)) return fromApiCallError(error, facts);
  if (LoadAPIKeyError.isInstance(error))
    return modelFailure('modelUnauthorized', facts, 'was not asked: it has no key');
  if (NoSuchModelError.isInstance(error)) return modelFailure('modelNotFound', facts, 'is not known to its provider');
  // Without data there was nothing to be invalid: the stream ended without a reason.
  if (InvalidResponseDataError.isInstance(error) && error.data === undefined) return cut(facts, error);
  if (isMalformed(error)) {
    return modelFailure('modelAnswerMalformed', facts, `sent what cannot be read: ${excerpt(error.message, facts)}`);
  }
  if (StreamProviderError.isInstance(error)) {
    const { code, type, message, statusCode } = error;
    return fromStreamProblem(facts, toProblem({ code, type, message }), statusCode);
  }
  if (error instanceof Error) return fromOtherError(error, facts);
  return fromStreamProblem(facts, toProblem({ error }));
}

function fromApiCallError(error: APICallError, facts: CallFacts): Failure {
  const status = error.statusCode;
  if (status === undefined)
    return modelFailure('modelUnreachable', facts, `cannot be reached (${reasonOf(error, facts)})`);
  const body = error.responseBody ?? '';
  if (status < 300 && isConnectionError(error.cause)) return cut(facts, error);
  if (status < 300) {
    const said = excerpt(`${error.message} ${body}`, facts);
    return modelFailure('modelAnswerMalformed', facts, `sent what cannot be read: ${said}`, { details: { status } });
  }
  return fromErrorAnswer(facts, { status, body, header: (name) => error.responseHeaders?.[name] });
}

function fromOtherError(error: Error, facts: CallFacts): Failure {
  if (isConnectionError(error)) return cut(facts, error);
  return modelFailure('modelBadRequest', facts, `could not be asked (${excerpt(error.message, facts)})`);
}

/** `fetch` throws a TypeError, with the error of the socket as its cause, for all that happens to a connection. */
function isConnectionError(error: unknown): boolean {
  return error instanceof TypeError || asText(asObject(asObject(error)?.cause)?.code) !== undefined;
}

function cut(facts: CallFacts, error: Error): Failure {
  return modelFailure('modelStreamBroken', facts, `broke off its answer (${reasonOf(error, facts)})`);
}

function isMalformed(error: unknown): error is Error {
  return [EmptyResponseBodyError, InvalidResponseDataError, JSONParseError, TypeValidationError].some((type) =>
    type.isInstance(error),
  );
}

/** The message of the innermost cause that has one. */
function reasonOf(error: Error, facts: CallFacts): string {
  let reason = error.message;
  let inner: unknown = error.cause;
  for (let depth = 0; depth < 5 && inner instanceof Error; depth += 1) {
    const code = asText(asObject(inner)?.code);
    if (inner.message !== '') reason = inner.message;
    else if (code !== undefined) reason = code;
    inner = inner.cause;
  }
  return excerpt(reason, facts);
}
