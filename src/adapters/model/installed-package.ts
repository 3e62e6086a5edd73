/**
 * Finds and loads packages that the operator installed with Bobbin. Node would look into every folder above, and so into
 * `node_modules` of a workspace that contains the installation.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PACKAGE_ROOT } from '../../folders/program-files.ts';

/** The `node_modules` folder that contains the package; undefined if it is not installed. */
function findInstalled(name: string, root: string): string | undefined {
  return installationFolders(root).find((modules) => existsSync(join(modules, name, 'package.json')));
}

export function isInstalled(name: string, root = PACKAGE_ROOT): boolean {
  return findInstalled(name, root) !== undefined;
}

/** Undefined if it is not installed. */
export async function loadInstalled(name: string, root = PACKAGE_ROOT): Promise<Record<string, unknown> | undefined> {
  const modules = findInstalled(name, root);
  if (modules === undefined) return undefined;
  const entry = createRequire(join(modules, 'any')).resolve(name, { paths: [modules] });
  return (await import(pathToFileURL(entry).href)) as Record<string, unknown>;
}

/** The command that installs it where Bobbin is. */
export function toInstallCommand(name: string, root = PACKAGE_ROOT): string {
  const [modules] = modulesAround(root);
  if (modules === undefined) return `npm install ${name} (in ${root})`;
  const project = dirname(modules);
  return existsSync(join(project, 'package.json'))
    ? `npm install ${name} (in ${project})`
    : `npm install --global ${name}`;
}

/** The `node_modules` of Bobbin, and those that it lies in. */
function installationFolders(root: string): string[] {
  return [join(root, 'node_modules'), ...modulesAround(root)];
}

function modulesAround(folder: string): string[] {
  const above = dirname(folder);
  if (above === folder) return [];
  return [...(basename(above) === 'node_modules' ? [above] : []), ...modulesAround(above)];
}
