/** How a file was when it was last taken; what has not changed is not read again. */
export interface Entry {
  /** Git's: `100644`, `100755`, `120000`. */
  kind: string;
  id: string;
  mode: number;
  size: number;
  mtimeMs: number;
  ctimeMs: number;
  ino: number;
}
