// Turns a corpus of recorded documents (JSON files with base64, see docs in that folder) into cases.
//   node corpus.mjs FOLDER FILE
import { readFileSync, writeFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { CaseWriter, observe } from './cases.mjs'

const [folder, file] = process.argv.slice(2)
const load = name => {
  const path = join(folder, name + '.json.gz')
  return existsSync(path) ? JSON.parse(gunzipSync(readFileSync(path))) : []
}
const bytes = text => new Uint8Array(Buffer.from(text, 'base64'))
const kinds = { Text: 'text', Array: 'array', Map: 'map', XmlFragment: 'xml' }

const writer = new CaseWriter()
for (const name of ['docs-text', 'docs-rich', 'docs-map', 'docs-array', 'docs-xml', 'docs-mixed', 'special']) {
  for (const doc of load(name)) {
    if (doc.expected === undefined || doc.order === undefined) continue
    const roots = {}
    for (const [root, value] of Object.entries(doc.expected)) if (kinds[value.type] !== undefined) roots[root] = kinds[value.type]
    const updates = (doc.updates?.length > 0 ? doc.updates : [doc.v1]).map(bytes)
    const gc = doc.gc !== false
    const seen = observe([bytes(doc.v1)], gc, roots)
    seen.state = bytes(doc.v1)
    writer.document({ name: `${name} ${doc.id}`, gc, updates, seen, order: doc.order.join('\n') })
  }
}
// Documents of yjs 13.2, which wrote legacy content.
for (const path of [join(folder, 'compat.json'), join(folder, '..', 'compat.json')]) {
  if (!existsSync(path)) continue
  for (const doc of JSON.parse(readFileSync(path))) {
    const update = bytes(doc.v1)
    const kind = doc.view === 'delta' ? 'text' : Array.isArray(doc.expected) ? 'array' : 'map'
    writer.document({ name: doc.id, gc: true, updates: [update], seen: observe([update], true, { [doc.root]: kind }) })
  }
  break
}
for (const bad of load('malformed-v1')) writer.bytes('malformed', bad.name, bytes(bad.update))
const primitives = [load('primitives')].flat()[0] ?? {}
for (const kind of ['varUint', 'varInt', 'any', 'varString']) {
  for (const each of primitives[kind] ?? []) writer.bytes(kind, JSON.stringify(each.v), bytes(each.bytes))
}
writeFileSync(file, writer.toBuffer())
