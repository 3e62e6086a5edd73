/** Reports that this Node.js is too old, before anything is loaded that would fail on it with an obscure error. */

/** The floor of package.json. */
const [MAJOR, MINOR] = [22, 12];

const version = process.versions.node;
const [major = 0, minor = 0] = version.split('.').map(Number);
if (major < MAJOR || (major === MAJOR && minor < MINOR)) {
  process.stderr.write(
    `bobbin needs Node.js ${MAJOR}.${MINOR} or later, and this is Node.js ${version}. Install Node.js 24 (https://nodejs.org), ` +
      'or run `npm run bobbin --` in a clone of the repository, which installs its own Node.js.\n',
  );
  process.exit(1);
}
