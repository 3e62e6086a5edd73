/** Why a file of the key store cannot be used; never contains text of the file. */
export class UnusableFile extends Error {}
