/** Starts a task and shows its events. Text of a model is set as text, never as HTML. */
const form = document.querySelector('form');
const output = document.querySelector('pre');

form.addEventListener('submit', async (submitted) => {
  submitted.preventDefault();
  output.textContent = '';
  const response = await fetch('tasks', { method: 'POST', body: new FormData(form).get('prompt') });
  const { events } = await response.json();
  const source = new EventSource(events);
  source.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.type === 'item/agentMessage/delta') output.textContent += event.delta;
    if (event.type === 'item/started' && event.item.type === 'commandExecution')
      output.textContent += `\n$ ${event.item.command}\n`;
    if (event.type === 'item/commandExecution/outputDelta') output.textContent += event.delta;
    if (event.type === 'item/completed' && event.item.type === 'agentMessage') output.textContent += '\n';
    if (event.type === 'turn/completed') {
      output.textContent += `\n${event.turn.status}\n`;
      source.close();
    }
  };
});
