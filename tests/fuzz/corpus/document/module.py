#!/usr/bin/python
import x
