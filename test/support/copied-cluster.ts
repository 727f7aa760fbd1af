import { MemoryFS, PGlite } from '@electric-sql/pglite'

const recordBytes = 512

/** Files in memory that begin as those of another cluster. PGlite's own way copies each byte three times, and looks up each path from the root. */
export class CopiedCluster extends MemoryFS {
  readonly #tar: Buffer

  /** @param tar  what `dumpDataDir` of the other one answered, not compressed */
  constructor(tar: Buffer) {
    super()
    this.#tar = tar
  }

  override async initialSyncFs(): Promise<void> {
    const { FS } = this.pg!.Module as any
    const folders = new Map<string, any>()
    // One copy for all of them, since each may be written to.
    const bytes = new Uint8Array(this.#tar)
    for (const { folder, name, isFolder, start, end } of entriesOf(this.#tar)) {
      if (isFolder) FS.mkdirTree(`${PGlite.paths.PGDATA}${folder}/${name}`)
      else {
        const parent = folders.get(folder) ?? FS.lookupPath(`${PGlite.paths.PGDATA}${folder}`).node
        folders.set(folder, parent)
        Object.assign(parent.node_ops.mknod(parent, name, 0o100600, 0), { contents: bytes.subarray(start, end), usedBytes: end - start })
      }
    }
  }
}

type Entry = { folder: string, name: string, isFolder: boolean, start: number, end: number }

/** Of a ustar archive: the name has 100 bytes, the length stands at 124 in octal digits, the type at 156. */
function* entriesOf(tar: Buffer): Generator<Entry> {
  for (let header = 0; header < tar.length && tar[header] !== 0;) {
    const path = tar.toString('utf8', header, header + 100).replace(/\0.*$/, '')
    const start = header + recordBytes
    const end = start + parseInt(tar.toString('latin1', header + 124, header + 135), 8)
    const at = path.lastIndexOf('/')
    yield { folder: path.slice(0, at), name: path.slice(at + 1), isFolder: tar[header + 156] === 0x35, start, end }
    header = start + Math.ceil((end - start) / recordBytes) * recordBytes
  }
}
