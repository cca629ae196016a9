// Validates playbooks against `neap schema` with ajv: schema.js SCHEMA DOC SOURCE
'use strict'
const fs = require('fs')
const path = require('path')
const Ajv = require('ajv/dist/2020')
const jsonc = require('jsonc-parser')

const [schemaFile, docFile, source] = process.argv.slice(2)
const ajv = new Ajv({ allErrors: true, strict: true, strictTypes: false, strictRequired: false, allowUnionTypes: true })
const validate = ajv.compile(JSON.parse(fs.readFileSync(schemaFile, 'utf8')))
let accepted = 0, refused = 0, failures = 0

function parse(name, text) {
  const faults = []
  const value = jsonc.parse(text, faults, { allowTrailingComma: true })
  if (faults.length) fail(name, jsonc.printParseErrorCode(faults[0].error))
  return value
}

function fail(name, why) {
  failures++
  console.log(`FAILED ${name}: ${why}`)
}

function accept(name, value) {
  accepted++
  if (!validate(value)) fail(name, ajv.errorsText(validate.errors.slice(0, 5), { separator: '\n  ' }))
}

function refuse(name, value) {
  refused++
  if (validate(value)) fail(name, 'it was accepted')
}

function* playbooks(folder) {
  for (const name of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
    const file = path.join(folder, name)
    if (name.endsWith('.json') && fs.statSync(file).isFile()) yield file
  }
}

function* blocks(file, kind) {
  const text = fs.readFileSync(file, 'utf8')
  for (const block of text.matchAll(new RegExp('^```' + kind + '\n([^]*?)^```$', 'gm'))) yield block[1]
}

for (const file of playbooks(path.join(source, 'playbooks'))) {
  const value = parse(file, fs.readFileSync(file, 'utf8'))
  if (Array.isArray(value)) accept(file, value)
}
const guide = path.join(source, 'docs/guide')
const pages = [path.join(source, 'README.md'), ...fs.readdirSync(guide).map(name => path.join(guide, name))]
for (const page of pages) {
  for (const text of blocks(page, 'json playbook')) accept(page, parse(page, text))
  for (const text of blocks(page, 'json broken')) refuse(page, parse(page, text))
}

// What neap runs in the comparison with Ansible, but for what is faulty on purpose.
function* compat(folder) {
  for (const name of fs.readdirSync(folder)) {
    const file = path.join(folder, name)
    if (!fs.statSync(file).isDirectory()) yield file
    else {
      const about = path.join(file, 'case.json')
      const faulty = fs.existsSync(about) && JSON.parse(fs.readFileSync(about, 'utf8')).faulty
      if (!faulty && fs.existsSync(path.join(file, 'playbook.json'))) yield path.join(file, 'playbook.json')
    }
  }
}
for (const file of compat(path.join(source, 'tests/compat/cases'))) {
  const text = fs.readFileSync(file, 'utf8')
  accept(file, parse(file, text))
}

const play = task => [{ hosts: 'all', tasks: [task] }]
for (const module of JSON.parse(fs.readFileSync(docFile, 'utf8'))) {
  for (const example of module.examples) accept(`${module.name}: ${example.title}`, play(example.task))
  if (module.args.length && module.name !== 'set_fact') refuse(`${module.name}: no such argument`, play({ [module.name]: { no_such_argument_: 1 } }))
  for (const arg of module.args.filter(arg => arg.choices && arg.type === 'str'))
    refuse(`${module.name}: ${arg.name}`, play({ [module.name]: { [arg.name]: 'no such choice' } }))
}

const wrong = JSON.parse(fs.readFileSync(path.join(source, 'tests/docs/wrong.json'), 'utf8'))
for (const [name, task] of Object.entries(wrong.tasks)) refuse(name, play(task))
for (const [name, playbook] of Object.entries(wrong.playbooks)) refuse(name, playbook)
accept('full names', play({ 'ansible.builtin.file': { path: '/x', state: '{{ state }}' }, become: 'yes', when: ['a', 'b is defined'] }))
accept('blocks', play({ block: [{ ping: null }], rescue: [{ ping: {} }], always: [], when: 'x' }))
accept('shorthands', [{ hosts: 'all', tasks: [{ command: 'echo x chdir=/' }, { file: 'path=/x state=touch' }, { file: 'path="/a b" mode={{ a b }}' },
  { copy: '{{ a }}' }, { action: 'copy src=a dest=b' }, { local_action: { module: 'ping' } }, { file: null, args: { path: '/x' } },
  { include_tasks: '{{ x }}.json' }, { meta: 'noop' }, { setup: null }, { set_fact: 'a=b c=d' }] }])
accept('arguments from module_defaults', [{ hosts: 'all', module_defaults: { file: { path: '/x' } }, tasks: [{ file: { state: 'touch' } },
  { block: [{ file: { mode: '0644' } }] }], handlers: [{ file: null }] }, { hosts: 'all', tasks: [{ file: null, module_defaults: { file: {} } },
  { block: [{ file: 'state=touch' }], module_defaults: { file: { path: '/x' } } }] }])
refuse('an unknown argument beside module_defaults', [{ hosts: 'all', module_defaults: { file: { path: '/x' } }, tasks: [{ file: { stat: 'touch' } }] }])
accept('an import', [{ import_playbook: 'other.json' }])
accept('roles and handlers', [{ hosts: ['a', 'b'], roles: ['x', { role: 'y', z: 1 }], handlers: [{ name: 'h', listen: 'l', ping: {} }] }])

console.log(`${accepted} accepted, ${refused} refused, ${failures} failures`)
process.exit(failures || accepted < 10 ? 1 : 0)
