/** Takes the values of secrets out of every text that a run prints or writes. */
const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|AUTH/i;
/** A shorter value would take ordinary words out. */
const LEAST_CHARS = 8;

export function createRedaction(env: NodeJS.ProcessEnv): (text: string) => string {
  const values = Object.entries(env)
    .filter(([name, value]) => SECRET_NAME.test(name) && !name.endsWith('_FILE') && (value ?? '').length >= LEAST_CHARS)
    .flatMap(([, value = '']) => [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)])
    .sort((a, b) => b.length - a.length);
  return (text) => values.reduce((left, value) => left.replaceAll(value, '[secret]'), text);
}
