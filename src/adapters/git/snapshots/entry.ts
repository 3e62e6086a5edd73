/** The state of a file when it was last stored; unchanged files are not read again. */
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
