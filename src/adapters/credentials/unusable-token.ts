import { Failure } from '../../../activities/failures.ts';

/** Why there is no access token. Never contains text of a token, or output of a program, which may contain one. */
export class UnusableToken extends Error {
  /** Whether it may work later without a change of the configuration. */
  readonly isTransient: boolean;

  constructor(reason: string, isTransient: boolean) {
    super(reason);
    this.isTransient = isTransient;
  }

  /** @param doing the registration that was not tried */
  toFailure(doing: string): Failure {
    const code = this.isTransient ? 'agentIdentityUnavailable' : 'agentIdentityRefused';
    return new Failure(code, `${doing} was not tried: ${this.message}`);
  }
}
