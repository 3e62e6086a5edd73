/** The page before a thread is chosen. */
import { useAllowed } from '../base/session.tsx';
import { NewThread } from './new-thread.tsx';

export function Welcome() {
  return (
    <main class="welcome">
      <h1>Threads</h1>
      <p class="facts">Choose a thread. Those that wait for you come first.</p>
      {useAllowed('drive') && <NewThread />}
    </main>
  );
}
