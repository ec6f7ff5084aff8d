# An interpreter with an ordinary program's modules, doing nothing.
import argparse, collections, hashlib, json, os, re, signal, sqlite3, subprocess, threading, time  # noqa: E401, F401

print("ready", flush=True)
while True:
    signal.pause()
