/** The variables that each worker of an embedded stack needs, and that the person did not set. */
import { type Environment, readVariable } from '../folders/variables.ts';

/** Stored in `dev.json`, so there are no secrets among them. */
export type WorkerSettings = Readonly<Record<string, string>>;

interface JoinedStack {
  address: string;
  namespace: string;
  taskQueue: string;
  /** Earlier releases stored none. */
  workerSettings?: WorkerSettings;
}

const TOKEN = 'BOBBIN_IDENTITY_TOKEN';
/** What says which token is used; the one of the stack is for its own service only. */
const TOKEN_CHOICES = [TOKEN, 'BOBBIN_IDENTITY_TOKEN_FILE', 'BOBBIN_IDENTITY_URL'];

/** The environment of a worker that joins a stack. What the person has set for it stays. */
export function joiningEnvironment(env: Environment, stack: JoinedStack): NodeJS.ProcessEnv {
  const isSet = (name: string) => readVariable(env, name) !== undefined;
  const settings = Object.entries({ BOBBIN_TASK_QUEUE: stack.taskQueue, ...stack.workerSettings });
  const missing = settings.filter(([name]) => !(name === TOKEN ? TOKEN_CHOICES.some(isSet) : isSet(name)));
  return {
    ...env,
    ...Object.fromEntries(missing),
    TEMPORAL_ADDRESS: stack.address,
    TEMPORAL_NAMESPACE: stack.namespace,
  };
}
